package ndb

// #include <stdlib.h>
import "C"

import "encoding/json"

// Filter is an immutable condition over payloads: And(Eq("source", "wiki"), Gte("year", 2020)). The zero Filter matches all. Paths are dotted;
// numbers compare as numbers, otherwise types never convert.
type Filter struct {
	json json.RawMessage
	err  error
}

// JSONFilter is a filter in the JSON form: {"source":"wiki","year":{"$gte":2020}}.
func JSONFilter(text string) Filter { return Filter{json: json.RawMessage(text)} }

// Eq holds where the value at the path, or an element of the array there, equals.
func Eq(path string, value any) Filter { return compare(path, "$eq", value) }

// Ne holds where none equals, also without the field.
func Ne(path string, value any) Filter { return compare(path, "$ne", value) }

// Lt holds where it is less.
func Lt(path string, value any) Filter { return compare(path, "$lt", value) }

// Lte holds where it is less or equal.
func Lte(path string, value any) Filter { return compare(path, "$lte", value) }

// Gt holds where it is greater.
func Gt(path string, value any) Filter { return compare(path, "$gt", value) }

// Gte holds where it is greater or equal.
func Gte(path string, value any) Filter { return compare(path, "$gte", value) }

// In holds where it equals one of the values.
func In(path string, values ...any) Filter { return compare(path, "$in", list(values)) }

// NotIn holds where it equals none of the values, also without the field.
func NotIn(path string, values ...any) Filter { return compare(path, "$nin", list(values)) }

// Exists holds where the field is there, or is not.
func Exists(path string, exists bool) Filter { return compare(path, "$exists", exists) }

// And holds where all do; of nothing, it matches all.
func And(parts ...Filter) Filter { return combine("$and", parts) }

// Or holds where one does.
func Or(parts ...Filter) Filter { return combine("$or", parts) }

// Not holds where the part does not.
func Not(part Filter) Filter {
	if part.err != nil {
		return part
	}
	return marshal(map[string]any{"$not": part})
}

// MarshalJSON is the JSON form.
func (f Filter) MarshalJSON() ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	if f.json == nil {
		return []byte("{}"), nil
	}
	return f.json, nil
}

func list(values []any) []any {
	if values == nil {
		return []any{}
	}
	return values
}

func compare(path, operator string, value any) Filter {
	return marshal(map[string]any{path: map[string]any{operator: value}})
}

func combine(operator string, parts []Filter) Filter {
	for _, part := range parts {
		if part.err != nil {
			return part
		}
	}
	if parts == nil {
		parts = []Filter{}
	}
	return marshal(map[string]any{operator: parts})
}

func marshal(condition map[string]any) Filter {
	text, err := json.Marshal(condition)
	if err != nil {
		return Filter{err: invalid("filter", err.Error())}
	}
	return Filter{json: text}
}

func (f Filter) isZero() bool { return f.json == nil && f.err == nil }

// text is its JSON in C's memory, NULL for the zero Filter; the caller frees it.
func (f Filter) text() (*C.char, error) {
	if f.err != nil || f.isZero() {
		return nil, f.err
	}
	return cText(string(f.json), "filter")
}
