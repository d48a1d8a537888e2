// The Go side of cost.py: the same calls on the same files as embedded_cost.cpp. Prints microseconds.
//
//	cost scores|search|insert FOLDER FLOATS DIM
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"sort"
	"strconv"
	"time"
	"unsafe"

	"ndb"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		log.Fatal(err)
	}
}

func run(what, folder, file, elements string) error {
	ctx := context.Background()
	bytes, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	dim, err := strconv.Atoi(elements)
	if err != nil {
		return err
	}
	values := unsafe.Slice((*float32)(unsafe.Pointer(&bytes[0])), len(bytes)/4)
	db, err := ndb.Open(folder, &ndb.Options{ReadOnly: what != "insert"})
	if err != nil {
		return err
	}
	defer db.Close()
	if what == "insert" {
		return insert(ctx, db, values, dim)
	}
	docs, err := db.GetCollection(ctx, "docs")
	if err != nil {
		return err
	}
	defer docs.Close()
	return search(ctx, docs, values, dim, what == "scores")
}

func search(ctx context.Context, docs *ndb.Collection, values []float32, dim int, scores bool) error {
	var times, inside []float64
	for at := 0; at+dim <= len(values); at += dim {
		start := time.Now()
		result, err := docs.Search(ctx, ndb.Search{Vector: values[at : at+dim], WithoutPayload: scores})
		times = append(times, float64(time.Since(start).Nanoseconds())/1000)
		if err != nil || len(result.Matches) != 10 {
			return fmt.Errorf("%d matches, %w", len(result.Matches), err)
		}
		inside = append(inside, float64(result.Took.Microseconds()))
	}
	fmt.Println(median(times), median(inside))
	return nil
}

func insert(ctx context.Context, db *ndb.Database, values []float32, dim int) error {
	ids := make([]string, len(values)/dim)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
	}
	docs, err := db.CreateCollection(ctx, "docs", ndb.CollectionConfig{Dim: uint32(dim)})
	if err != nil {
		return err
	}
	defer docs.Close()
	start := time.Now()
	_, err = docs.InsertVectors(ctx, ids, values, nil)
	fmt.Println(float64(time.Since(start).Nanoseconds()) / 1000)
	return err
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}
