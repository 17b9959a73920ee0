package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const documentURL = "https://octaskly.example/openapi.json"

func fromJSON(t *testing.T, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// compiled is a schema by itself.
func compiled(t *testing.T, schema any) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(documentURL, fromJSON(t, text)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(documentURL)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// shape is what OpenAPI 3.1.0 (§4.8) wants of the parts that the document uses, and
// no other parts. What schemas are is said by their own dialect.
const shape = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object",
	"required": ["openapi", "info", "paths"],
	"additionalProperties": false,
	"properties": {
		"openapi": {"pattern": "^3\\.1\\.[0-9]+$"},
		"info": {
			"required": ["title", "version"],
			"additionalProperties": false,
			"properties": {
				"title": {"type": "string"}, "version": {"type": "string"}, "description": {"type": "string"},
				"license": {"required": ["name"], "additionalProperties": false, "properties": {"name": {"type": "string"}, "identifier": {"type": "string"}}}
			}
		},
		"security": {"$ref": "#/$defs/security"},
		"paths": {
			"propertyNames": {"pattern": "^/"},
			"additionalProperties": {
				"minProperties": 1,
				"propertyNames": {"enum": ["get", "put", "post", "delete", "head", "patch"]},
				"additionalProperties": {"$ref": "#/$defs/operation"}
			}
		},
		"components": {
			"additionalProperties": false,
			"properties": {
				"schemas": {"propertyNames": {"pattern": "^[a-zA-Z0-9._-]+$"}, "additionalProperties": {"$ref": "https://json-schema.org/draft/2020-12/schema"}},
				"responses": {"additionalProperties": {"$ref": "#/$defs/response"}},
				"securitySchemes": {"additionalProperties": {
					"required": ["type", "scheme"], "additionalProperties": false,
					"properties": {"type": {"const": "http"}, "scheme": {"type": "string"}, "bearerFormat": {"type": "string"}, "description": {"type": "string"}}
				}}
			}
		}
	},
	"$defs": {
		"security": {"type": "array", "items": {"additionalProperties": {"type": "array", "items": {"type": "string"}}}},
		"reference": {"required": ["$ref"], "additionalProperties": false, "properties": {"$ref": {"pattern": "^#/components/"}}},
		"operation": {
			"required": ["responses", "operationId"],
			"additionalProperties": false,
			"properties": {
				"operationId": {"type": "string"}, "summary": {"type": "string"}, "description": {"type": "string"},
				"tags": {"type": "array", "items": {"type": "string"}},
				"security": {"$ref": "#/$defs/security"},
				"parameters": {"type": "array", "uniqueItems": true, "items": {"$ref": "#/$defs/parameter"}},
				"requestBody": {
					"required": ["content"], "additionalProperties": false,
					"properties": {"content": {"$ref": "#/$defs/content"}, "required": {"type": "boolean"}, "description": {"type": "string"}}
				},
				"responses": {
					"minProperties": 1, "propertyNames": {"pattern": "^([1-5]([0-9][0-9]|XX)|default)$"},
					"additionalProperties": {"oneOf": [{"$ref": "#/$defs/response"}, {"$ref": "#/$defs/reference"}]}
				}
			}
		},
		"parameter": {
			"required": ["name", "in", "schema"],
			"additionalProperties": false,
			"properties": {
				"name": {"type": "string"}, "in": {"enum": ["query", "header", "path", "cookie"]}, "description": {"type": "string"},
				"required": {"type": "boolean"}, "allowEmptyValue": {"type": "boolean"},
				"style": {"enum": ["form", "simple", "spaceDelimited", "pipeDelimited"]}, "explode": {"type": "boolean"},
				"schema": {"$ref": "https://json-schema.org/draft/2020-12/schema"}
			},
			"if": {"properties": {"in": {"const": "path"}}},
			"then": {"required": ["required"], "properties": {"required": {"const": true}}}
		},
		"content": {
			"minProperties": 1, "propertyNames": {"pattern": "^[a-z*]+/[a-z*.+-]+"},
			"additionalProperties": {"additionalProperties": false, "properties": {"schema": {"$ref": "https://json-schema.org/draft/2020-12/schema"}}}
		},
		"response": {
			"required": ["description"],
			"additionalProperties": false,
			"properties": {
				"description": {"type": "string"}, "content": {"$ref": "#/$defs/content"},
				"headers": {"additionalProperties": {
					"additionalProperties": false,
					"properties": {"description": {"type": "string"}, "schema": {"$ref": "https://json-schema.org/draft/2020-12/schema"}}
				}}
			}
		}
	}
}`

// The document is one of OpenAPI 3.1.
func TestDocumentIsValid(t *testing.T) {
	meta := compiled(t, fromJSON(t, []byte(shape)))
	if err := meta.Validate(fromJSON(t, openAPIDocument)); err != nil {
		t.Errorf("%#v", err)
	}
	for name, broken := range map[string]string{
		"version":   strings.Replace(string(openAPIDocument), `"openapi": "3.1.0"`, `"openapi": "3.0.0"`, 1),
		"place":     strings.Replace(string(openAPIDocument), `"in": "query"`, `"in": "body"`, 1),
		"a word":    strings.Replace(string(openAPIDocument), `"operationId"`, `"operation"`, 1),
		"responses": strings.Replace(string(openAPIDocument), `"description": "done"`, `"descriptive": "done"`, 1),
	} {
		if broken == string(openAPIDocument) || meta.Validate(fromJSON(t, []byte(broken))) == nil {
			t.Errorf("it is as valid with another %s", name)
		}
	}
}

// described finds schemas in the document.
type described struct {
	t *testing.T
	c *jsonschema.Compiler
}

func newDescribed(t *testing.T) described {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(documentURL, fromJSON(t, openAPIDocument)); err != nil {
		t.Fatal(err)
	}
	return described{t, c}
}

// at is the schema at a path of words.
func (d described) at(words ...string) *jsonschema.Schema {
	d.t.Helper()
	for i, word := range words {
		words[i] = strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(word)
	}
	s, err := d.c.Compile(documentURL + "#/" + strings.Join(words, "/"))
	if err != nil {
		d.t.Fatalf("%s: %v", words, err)
	}
	return s
}

// Every refusal is what the document says of it.
func TestFailuresFitTheirSchema(t *testing.T) {
	failure := newDescribed(t).at("components", "schemas", "Failure")
	h := newFleetHandler(&fake{}, &books{})
	for _, r := range h.routes() {
		path := strings.NewReplacer("{id}", "42", "{hash}", someHash, "{worker}", "w", "{user}", "ann", "{token}", "t1").Replace(r.path)
		for token, query := range map[string]string{"admin": "?nonsense", "worker": "", "": "?limit=x"} {
			w := ask(h, token, r.method, path+query, "")
			if w.Code < 400 || r.method == "HEAD" {
				continue
			}
			if err := failure.Validate(fromJSON(t, w.Body.Bytes())); err != nil {
				t.Errorf("%s %s%s is answered %d %s: %v", r.method, path, query, w.Code, w.Body, err)
			}
		}
	}
}

// Every body that the tests send with success is what the document says of it.
func TestBodiesFitTheirSchemas(t *testing.T) {
	d := newDescribed(t)
	for _, r := range newHandler(&fake{}).routes() {
		path := strings.NewReplacer("{id}", "42", "{worker}", "w", "{user}", "ann", "{token}", "t1").Replace(r.path)
		body, sent := bodies[r.method+" "+path]
		if !sent || operations[r.method+" "+r.path].request == nil {
			continue
		}
		schema := d.at("paths", r.path, strings.ToLower(r.method), "requestBody", "content", "application/json", "schema")
		if err := schema.Validate(fromJSON(t, []byte(body))); err != nil {
			t.Errorf("%s %s with %s: %v", r.method, r.path, body, err)
		}
		if schema.Validate(fromJSON(t, []byte(`{"nonsense":1}`))) == nil {
			t.Errorf("%s %s: the document allows any field", r.method, r.path)
		}
	}
}
