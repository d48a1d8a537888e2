package ndb

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestWhatIsInsertedIsReadBack(t *testing.T) {
	_, docs := openDocs(t)
	payload := MustJSON(map[string]any{"text": "grüße", "deep": map[string]any{"list": []any{1, 2.5, nil, true}}})
	written := must(docs.Insert(ctx, Document{ID: "d", Vector: []float32{3, 4}, Payload: payload}))
	equal(t, written, WriteResult{Seq: 4, Inserted: 1})
	document := must(docs.Get(ctx, "d"))
	var got, want any
	if json.Unmarshal(document.Payload, &got) != nil || json.Unmarshal(payload, &want) != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the payload is %s", document.Payload)
	}
	equal(t, fmt.Sprint(document.ID, document.Vector), "d[3 4]")
	equal(t, must(docs.Insert(ctx, Document{ID: "d", Vector: []float32{1, 1}})).Replaced, 1)
	equal(t, must(docs.Get(ctx, "d")).Payload == nil, true)
	_, err := docs.Get(ctx, "nobody")
	refused(t, err, ErrNotFound, "id")
	found, missing, err := docs.GetMany(ctx, []string{"c", "nobody", "a"})
	equal(t, err, nil)
	equal(t, documentIDs(found)+fmt.Sprint(missing), "ca[nobody]")
	must(docs.InsertVectors(ctx, []string{"x", "y"}, []float32{1, 2, 3, 4}, []json.RawMessage{nil, json.RawMessage(`{"n":1}`)}))
	equal(t, fmt.Sprint(must(docs.Get(ctx, "y")).Vector, string(must(docs.Get(ctx, "y")).Payload)), `[3 4]{"n":1}`)
}

func TestWhatIsRefusedChangesNothing(t *testing.T) {
	_, docs := openDocs(t)
	good := []float32{1, 2}
	for _, one := range []struct {
		field    string
		document Document
	}{
		{"vector[1]", Document{ID: "x", Vector: []float32{1, float32(math.NaN())}}}, {"vector", Document{ID: "x", Vector: []float32{1, 2, 3}}},
		{"vector", Document{ID: "x"}}, {"id", Document{Vector: good}}, {"id", Document{ID: "\xff", Vector: good}}, {"id", Document{ID: "a\x00b", Vector: good}},
		{"payload", Document{ID: "x", Vector: good, Payload: json.RawMessage("[1]")}}, {"payload", Document{ID: "x", Vector: good, Payload: json.RawMessage("")}},
		{"payload", Document{ID: "x", Vector: good, Payload: json.RawMessage("{\x00}")}}, {"id", Document{ID: strings.Repeat("x", 513), Vector: good}},
	} {
		_, err := docs.Insert(ctx, one.document)
		refused(t, err, ErrInvalidArgument, one.field)
		_, err = docs.InsertBatch(ctx, []Document{{ID: "fine", Vector: good}, one.document})
		refused(t, err, ErrInvalidArgument, "documents[1]."+one.field)
	}
	_, err := docs.InsertVectors(ctx, []string{"x"}, []float32{1}, nil)
	refused(t, err, ErrInvalidArgument, "vectors")
	_, err = docs.InsertVectors(ctx, []string{"x"}, good, []json.RawMessage{})
	refused(t, err, ErrInvalidArgument, "payloads")
	equal(t, must(docs.Stats(ctx)).Seq, 3)
	equal(t, must(docs.InsertBatch(ctx, nil)).Seq, 3)
}

func TestDocumentsAreRemoved(t *testing.T) {
	_, docs := openDocs(t)
	equal(t, must(docs.Remove(ctx, "a")).Deleted, 1)
	_, err := docs.Remove(ctx, "a")
	refused(t, err, ErrNotFound, "id")
	equal(t, must(docs.RemoveMany(ctx, []string{"a", "b"})).Deleted, 1)
	_, err = docs.RemoveWhere(ctx, Filter{})
	refused(t, err, ErrInvalidArgument, "filter")
	equal(t, must(docs.RemoveWhere(ctx, And())).Deleted, 1)
	equal(t, must(docs.Count(ctx, Filter{})), 0)
}

func TestFilters(t *testing.T) {
	_, docs := openDocs(t)
	for _, one := range []struct {
		want   string
		filter Filter
	}{
		{"b", Eq("n", 1)}, {"bc", Ne("n", 0)}, {"a", Lt("n", 1)}, {"ab", Lte("n", 1)}, {"b", Gt("n", 0)}, {"ab", Gte("n", 0)}, {"b", In("n", 1, 2)},
		{"ac", NotIn("n", 1, 2)}, {"c", Exists("n", false)}, {"b", And(Eq("tags", "x"), Eq("n", 1))}, {"ab", Or(Eq("n", 0), Eq("n", 1))}, {"bc", Not(Eq("n", 0))},
		{"abc", And()}, {"abc", Filter{}}, {"abc", And(Filter{})}, {"b", JSONFilter(`{"tags":"y"}`)}, {"b", And(Eq("tags", "x"), Not(Eq("n", 0)))}, {"", In("n")},
	} {
		equal(t, matchIDs(must(docs.Search(ctx, Search{Vector: []float32{0, 0}, Filter: one.filter}))), one.want)
		equal(t, must(docs.Count(ctx, one.filter)), uint64(len(one.want)))
		documents, next, err := docs.Scroll(ctx, one.filter, 100, "")
		equal(t, err, nil)
		equal(t, documentIDs(documents)+next, one.want)
	}
	_, err := docs.Count(ctx, JSONFilter(`{"n":{"$what":1}}`))
	refused(t, err, ErrInvalidArgument, "filter.n.$what")
	for _, filter := range []Filter{Eq("n", func() {}), And(Not(Eq("n", math.NaN()))), Or()} {
		_, err = docs.Count(ctx, filter)
		refused(t, err, ErrInvalidArgument, "")
	}
}

func TestScrollingGoesThroughAllInPages(t *testing.T) {
	_, docs := openDocs(t)
	documents, next, err := docs.Scroll(ctx, Filter{}, 2, "")
	equal(t, documentIDs(documents)+"|"+next+fmt.Sprint(err), "ab|b<nil>")
	documents, next, err = docs.Scroll(ctx, Filter{}, 2, next)
	equal(t, documentIDs(documents)+"|"+next+fmt.Sprint(err), "c|<nil>")
	_, _, err = docs.Scroll(ctx, Filter{}, 0, "")
	refused(t, err, ErrInvalidArgument, "limit")
}
