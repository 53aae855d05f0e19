# The names the Python service had, for hands that know them; each calls an npm script.
.PHONY: dev-setup run-local run-unit-test-suite-local run-style-inplace-local

dev-setup:
	npm ci

run-local:
	npm start

run-unit-test-suite-local:
	npm test

run-style-inplace-local:
	npm run format
