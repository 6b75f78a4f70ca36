# A root file system, the context, as it is.
FROM scratch
COPY . /
