module godwit-runtime

go 1.19
