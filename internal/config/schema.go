package config

import _ "embed"

// Schema is the JSON Schema (draft-07) of the configuration.
//
//go:embed wasm.bundle.schema.json
var Schema []byte
