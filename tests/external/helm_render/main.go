// Renders a Helm chart as `helm template` does, as far as deploy/helm/ndb needs it: Go's templates, sprig's functions, and those few that
// Helm adds. Where there is no helm (Debian has none), the tests render with this. It knows no dependencies, no Files, no tpl, no cluster:
// `lookup` finds nothing, as with `helm template`.
//
//	helm_render CHART RELEASE NAMESPACE <values.yaml     prints the objects, separated by "---"
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type object = map[string]interface{}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "helm_render:", err)
	os.Exit(1)
}

func readYAML(bytes []byte) object {
	into := object{}
	if err := yaml.Unmarshal(bytes, &into); err != nil {
		fatal(err)
	}
	return into
}

func readFile(parts ...string) []byte {
	bytes, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		fatal(err)
	}
	return bytes
}

// What is given wins; maps are merged, everything else is replaced.
func merge(defaults, given object) object {
	for key, value := range given {
		inner, isMap := value.(object)
		before, wasMap := defaults[key].(object)
		if isMap && wasMap {
			value = merge(before, inner)
		}
		defaults[key] = value
	}
	return defaults
}

func toYAML(value interface{}) string {
	bytes, err := yaml.Marshal(value)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(bytes), "\n")
}

func functions(all *template.Template) template.FuncMap {
	added := sprig.TxtFuncMap()
	added["toYaml"] = toYAML
	added["fromYaml"] = func(text string) object { return readYAML([]byte(text)) }
	added["toJson"] = func(value interface{}) (string, error) {
		bytes, err := json.Marshal(value)
		return string(bytes), err
	}
	added["fromJson"] = func(text string) (into object, err error) {
		return into, json.Unmarshal([]byte(text), &into)
	}
	added["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := all.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	added["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	added["fail"] = func(message string) (string, error) { return "", errors.New(message) }
	added["lookup"] = func(...string) object { return object{} }
	return added
}

func main() {
	chart, release, namespace := os.Args[1], os.Args[2], os.Args[3]
	given, err := io.ReadAll(os.Stdin)
	if err != nil {
		fatal(err)
	}
	about := readYAML(readFile(chart, "Chart.yaml"))
	data := object{
		"Values":  merge(readYAML(readFile(chart, "values.yaml")), readYAML(given)),
		"Chart":   object{"Name": about["name"], "Version": about["version"], "AppVersion": about["appVersion"]},
		"Release": object{"Name": release, "Namespace": namespace, "Service": "Helm", "Revision": 1, "IsInstall": true, "IsUpgrade": false},
	}
	all := template.New("chart").Option("missingkey=zero")
	all.Funcs(functions(all))
	files, _ := filepath.Glob(filepath.Join(chart, "templates", "*"))
	sort.Strings(files)
	for _, file := range files {
		if _, err := all.New(filepath.Base(file)).Parse(string(readFile(file))); err != nil {
			fatal(err)
		}
	}
	for _, file := range files {
		if filepath.Ext(file) != ".yaml" && filepath.Ext(file) != ".txt" {
			continue
		}
		var out bytes.Buffer
		if err := all.ExecuteTemplate(&out, filepath.Base(file), data); err != nil {
			fatal(err)
		}
		if filepath.Ext(file) == ".yaml" { // notes are rendered too, but are no object
			fmt.Printf("---\n%s\n", out.String())
		}
	}
}
