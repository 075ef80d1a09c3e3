# Every target does its own set-up: Node 24, npm packages, and as root the Debian packages of the real parts.
.PHONY: demo demo-real test e2e-real e2e-kind e2e-kernel e2e-job-build nightly images check bench bench-real bench-large generate record-wire format clean help
.DEFAULT_GOAL := help

demo: ## Show the whole story live, then leave the fleet up to try things; ONCE=1 tears it down
	@scripts/node e2e/demo.ts $(if $(ONCE),--once)

demo-real: ## Show the story on real control planes and virtual machines; what it prints comes from their kernels
	@scripts/node e2e/demo-kernel.ts

test: ## Run all tests: units, stories in simulation, then those on real components
	@scripts/node scripts/test.ts

e2e-real: ## Run the suites that need a real control plane: etcd and Kubernetes, built once with Go
	@scripts/node scripts/e2e-real.ts

e2e-kind: ## Run those suites on clusters of kind, which needs kind, kubectl and Docker on the PATH
	@KMM_PLANES=kind scripts/node scripts/e2e-real.ts

e2e-kernel: ## Run the story on virtual machines: real kubelets, real kernels, with and without Secure Boot
	@scripts/node scripts/e2e-real.ts guests kernel

e2e-job-build: ## Build a module in a Job that a real kubelet runs; the kernel it was built on then loads it
	@scripts/node scripts/e2e-real.ts guests job-build

nightly: ## Run the suites on a real control plane with 1,000 seeds of faults and 3,000 nodes, and builds in Jobs
	@seed=$${KMM_FAULT_SEED:-$$(date +%s)}; echo "KMM_FAULT_SEED=$$seed"; \
	KMM_FAULT_SEED=$$seed KMM_FAULT_SEEDS=1000 KMM_LIGHT_NODES=3000 scripts/node scripts/e2e-real.ts
	@$(MAKE) e2e-job-build

check: ## Check format, lint, types, unused code, import arrows, purity and generated files
	@scripts/node scripts/check.ts

images: ## Make container images in dist/images; REGISTRY=registry.example.com/path pushes them there too
	@scripts/node scripts/images.ts

bench: ## Measure planning, events, signing and idle memory; prints ratios to their floors
	@scripts/node bench/main.ts

bench-real: ## Measure the hub on a real kube-apiserver with 3,500 clusters
	@scripts/node bench/real/main.ts

bench-large: ## Measure there with 35,000 clusters whether the cost of a hub follows its fleet (twenty minutes and more)
	@scripts/node bench/real/large.ts

generate: ## Write generated files: CRDs, docs/api.md, docs/reasons.md
	@scripts/node api/generate.ts

record-wire: ## Record what hub and spoke of this version send each other, in e2e/wire
	@scripts/node e2e/wire/main.ts

format: ## Format the code
	@scripts/node node_modules/@biomejs/biome/bin/biome check --write --log-level=warn .

clean: ## Stop a running lab and remove what this checkout made
	@[ ! -d .lab ] || bin/kmm lab down
	@rm -rf .lab dist coverage node_modules */node_modules

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
