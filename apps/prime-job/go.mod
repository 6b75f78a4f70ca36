module prime-job

go 1.24
