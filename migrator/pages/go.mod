module godwit-pages

go 1.19
