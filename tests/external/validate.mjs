// Validates Kubernetes objects against Kubernetes' own schemas, without a cluster.
//
//   node validate.mjs NODE_MODULES <objects.json     a JSON list of objects; prints a JSON list of what is wrong with them
//
// The npm packages kubernetes-models and @kubernetes-models/prometheus-operator are generated from the OpenAPI of Kubernetes and from the
// custom resource definitions of the Prometheus operator. They check values; names of fields that do not exist are found by TypeScript's
// compiler, which sees each object as a literal of the generated type. A kind that neither knows is reported, too.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import path from "node:path";
import fs from "node:fs";

const modules = path.resolve(process.argv[2]);
const require = createRequire(path.join(modules, "x.js"));
const objects = JSON.parse(fs.readFileSync(0, "utf8"));
const problems = [];
const name_of = (object) => `${object.kind} ${object.metadata?.name}`;

// "apps/v1" -> the module that has its kinds; the operator's are a package of their own.
function module_of(apiVersion) {
  const own = apiVersion.startsWith("monitoring.coreos.com/") ? "@kubernetes-models/prometheus-operator" : "kubernetes-models";
  return `${own}/${apiVersion}`;
}

async function check_values(object) {
  let models;
  try {
    models = await import(pathToFileURL(path.join(modules, module_of(object.apiVersion), "index.js")));
  } catch {
    problems.push(`${name_of(object)}: nothing is known of ${object.apiVersion}`);
    return false;
  }
  const Model = models[object.kind];
  if (!Model) {
    problems.push(`${name_of(object)}: ${object.apiVersion} has no such kind`);
    return false;
  }
  try {
    new Model(object).validate();
  } catch (error) {
    problems.push(`${name_of(object)}: ${error.message}`);
    return false;
  }
  return true;
}

function check_names(known) {
  const ts = require("typescript");
  const file = path.join(path.dirname(modules), "objects.ts");
  const lines = known.map((object, i) => {
    const type = `import("${module_of(object.apiVersion)}").I${object.kind}`;
    return `export const o${i}: ${type} = ${JSON.stringify(object)};`;
  });
  const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, target: ts.ScriptTarget.ES2022,
                    strict: true, noEmit: true, skipLibCheck: true, types: [] };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (asked, ...rest) => asked === file ? ts.createSourceFile(file, lines.join("\n"), ts.ScriptTarget.ES2022, true) : read(asked, ...rest);
  const exists = host.fileExists.bind(host);
  host.fileExists = (asked) => asked === file || exists(asked);
  const program = ts.createProgram([file], options, host);
  const source = program.getSourceFile(file);
  for (const found of [...program.getSemanticDiagnostics(source), ...program.getSyntacticDiagnostics(source)]) {
    const line = source.getLineAndCharacterOfPosition(found.start).line;
    problems.push(`${name_of(known[line])}: ${ts.flattenDiagnosticMessageText(found.messageText, " ").slice(0, 400)}`);
  }
}

const known = [];
for (const object of objects) if (await check_values(object)) known.push(object);
if (known.length > 0) check_names(known);
console.log(JSON.stringify(problems));
