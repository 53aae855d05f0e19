# Both images, with their provenance and lists of packages attached. Attestations need a registry, or an engine with the
# containerd image store.
#   docker buildx bake -f deploy/docker-bake.hcl --push
#   REGISTRY=registry.example.org/vls/ REVISION=$(git rev-parse HEAD) docker buildx bake -f deploy/docker-bake.hcl --push
variable "REGISTRY" { default = "" }
variable "VERSION" { default = "0.2.0" }
variable "REVISION" { default = "" }
# The image of the program that makes the lists; empty is the builder's own choice, docker/buildkit-syft-scanner.
variable "SBOM_GENERATOR" { default = "" }

group "default" { targets = ["cpu", "gpu"] }

target "common" {
  context    = "."
  dockerfile = "deploy/Dockerfile"
  args       = { REVISION = REVISION }
  attest = [
    "type=provenance,mode=max",
    SBOM_GENERATOR == "" ? "type=sbom" : "type=sbom,generator=${SBOM_GENERATOR}",
  ]
}

target "cpu" {
  inherits  = ["common"]
  platforms = ["linux/amd64", "linux/arm64"]
  tags      = ["${REGISTRY}vision-language-similarity:${VERSION}"]
}

# ONNX Runtime has CUDA libraries for linux/amd64 only.
target "gpu" {
  inherits  = ["common"]
  platforms = ["linux/amd64"]
  args      = { DEVICE = "gpu" }
  tags      = ["${REGISTRY}vision-language-similarity-gpu:${VERSION}"]
}
