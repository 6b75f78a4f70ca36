module godwit-image

go 1.19
