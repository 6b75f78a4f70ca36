# Thin targets over scripts/. Each does the set-up that it needs; `make setup` does all of it.
#   make setup             Debian and npm packages, root file system of virtual nodes, example workloads
#   make setup-kubernetes  the same and Kubernetes, for labs with a cluster; the first time takes minutes
#   make demo [JSON=file]  an edge node under load moves a running container to the cloud by itself, and brings it home
#   make demo-kubernetes [JSON=file]   the same with the pods of a real cluster
#   make cases [CASE=name]   the three test cases on such a cluster: restart, checkpoint, limit
#   make test [FILES=…]    the tests; FILES: only those whose path holds this
#   make test-faults       every fault at every stage of a migration, on virtual nodes
#   make test-kubernetes [FILES=…]   all tests that raise a cluster; `make test` leaves out those in folders of test/kubernetes
#   make image             the container image of all parts, .cache/image.tar; needs root, and installs buildah
#   make lint              types, format, promises, dead code
#   make bench [NAME=…]    measurements of bench/NAME.ts, or of all; decisions needs TRACES="planetlab-….csv.gz …"
#   make clean             labs, caches and installed packages of this checkout

SHELL := /bin/bash
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.cache/bin:$(PATH)
bundles = $(or $(GODWIT_BUNDLES),$(or $(GODWIT_CACHE),/var/cache/godwit)/bundles)

.PHONY: setup setup-kubernetes packages demo demo-kubernetes cases test test-faults test-kubernetes image lint bench clean

setup:
	@scripts/setup.sh all

setup-kubernetes:
	@scripts/setup.sh kubernetes

packages:
	@scripts/setup.sh npm

demo: setup
	@node scripts/demo/main.ts --bundles $(bundles) $(if $(JSON),--json $(JSON))

demo-kubernetes: setup-kubernetes
	@node scripts/demo/main.ts --kubernetes --bundles $(bundles) $(if $(JSON),--json $(JSON))

cases: setup-kubernetes
	@node scripts/cases/main.ts $(if $(CASE),--case $(CASE))

test: setup-kubernetes
	@node scripts/test.ts $(FILES)

test-faults: setup
	@GODWIT_FAULTS=full node scripts/test.ts --project e2e test/chaos

test-kubernetes: setup-kubernetes image
	@node scripts/test.ts --project kubernetes --project kubernetes-more --project load $(FILES)

image:
	@scripts/setup.sh image
	@node scripts/image.ts

lint: packages
	@npm run --silent check

bench: $(if $(filter pods,$(or $(NAME),pods)),setup-kubernetes,setup)
	@GODWIT_TRACES="$(TRACES)" node scripts/bench.ts $(NAME)

clean:
	@scripts/clean.sh
