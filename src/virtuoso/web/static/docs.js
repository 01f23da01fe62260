"use strict";
// The API's own page, drawn from /openapi.json: what each route takes and answers, field by field.
const make = (tag, text, className) => Object.assign(document.createElement(tag), { textContent: text ?? "", className: className ?? "" });
const within = (parent, ...children) => { parent.append(...children); return parent; };

/** A text with its `words` as code. */
function prose(tag, text, className) {
  const element = make(tag, "", className);
  (text ?? "").split("`").forEach((part, i) => element.append(i % 2 ? make("code", part) : part));
  return element;
}

function table(heads, rows) {
  const head = within(make("thead"), within(make("tr"), ...heads.map((text) => make("th", text))));
  return within(make("div", "", "scroll"), within(make("table", "", "fields"), head, within(make("tbody"), ...rows)));
}

class Schemas {
  constructor(byName) { this.byName = byName; }

  /** The schema that a reference names, or itself. */
  found(schema) { return schema.$ref ? this.byName[schema.$ref.split("/").pop()] : schema; }

  /** What a value is: its type in words, the schema of its fields if it has some, and what is written for "each". */
  kind(schema) {
    const found = this.found(schema);
    if (found.enum) return { words: found.enum.join(" | "), values: found };
    if (found.anyOf) {
      const kinds = found.anyOf.map((each) => this.kind(each));
      return { ...kinds.find((each) => each.fields || each.values), words: kinds.map((each) => each.words).join(" | ") };
    }
    if (found.prefixItems) return { words: `[${found.prefixItems.map((each) => this.kind(each).words).join(", ")}]` };
    if (found.type === "array") return this.each(found.items, "list of", "[]");
    if (typeof found.additionalProperties === "object") return this.each(found.additionalProperties, "by name:", ".*");
    return { words: found.type ?? "any", fields: found.properties ? found : undefined };
  }

  each(schema, words, mark) {
    const kind = this.kind(schema);
    return { ...kind, words: `${words} ${kind.words}`, mark: mark + (kind.mark ?? "") };
  }

  /** A row for each field, and below it those of what it is made of. */
  rows(schema, before = "") {
    return Object.entries(schema.properties).flatMap(([name, field]) => {
      const kind = this.kind(field);
      const path = make("td", before, "muted");
      path.append(make("b", name), kind.mark ?? "");
      const meaning = prose("td", field.description);
      const values = (kind.values?.description ?? "").split("\n").filter((line) => line.startsWith("- "));
      if (values.length) meaning.append(within(make("ul"), ...values.map((line) => prose("li", line.slice(2)))));
      const row = within(make("tr"), path, make("td", kind.words, "muted"), meaning);
      return [row, ...(kind.fields ? this.rows(kind.fields, `${before}${name}${kind.mark ?? ""}.`) : [])];
    });
  }

  /** The fields of a body, to be opened. */
  fields(title, schema) {
    const kind = this.kind(schema);
    if (!kind.fields) return [];
    const text = prose("p", kind.fields.description);
    const rows = this.rows(kind.fields, kind.mark ? `${kind.mark}.` : "");
    if (!rows.length) return [];
    return [within(make("details"), make("summary", title), text, table(["field", "type", "what it is"], rows))];
  }

  parameter(parameter) {
    const schema = parameter.schema ?? {};
    const type = this.kind(schema).words;
    const preset = schema.default === undefined ? "" : `${schema.default}`;
    const name = within(make("td"), make("b", parameter.name), make("span", ` ${parameter.in}`, "muted"));
    return within(make("tr"), name, make("td", type, "muted"), make("td", preset && `default ${preset}`), prose("td", parameter.description));
  }

  route(path, method, operation) {
    const title = within(make("h2"), make("code", `${method.toUpperCase()} ${path}`), make("span", ` ${operation.summary ?? ""}`, "muted"));
    const section = within(Object.assign(make("section", "", "route"), { id: `${method}${path}` }), title);
    if (operation.parameters) section.append(table(["parameter", "type", "", "what it is"], operation.parameters.map((each) => this.parameter(each))));
    const taken = Object.values(operation.requestBody?.content ?? {})[0];
    if (taken) section.append(...this.fields("Fields of the body", taken.schema));
    const good = Object.entries(operation.responses).find(([status]) => status.startsWith("2"))?.[1];
    const content = Object.values(good?.content ?? {})[0];
    if (content) section.append(...this.fields("Fields of the answer", content.schema));
    if (content?.example) section.append(within(make("details"), make("summary", "Example"), make("pre", JSON.stringify(content.example, null, 2))));
    const answers = Object.entries(operation.responses).map(([status, answer]) => within(make("tr"), make("td", status), prose("td", answer.description)));
    section.append(within(make("details"), make("summary", "What it may answer"), table(["status", "when"], answers)));
    return section;
  }
}

/** All routes, by which one gets to each. */
function contents(routes) {
  return within(make("ul", "", "list contents"), ...routes.map(([path, method, operation]) => {
    const link = Object.assign(make("a", `${method.toUpperCase()} ${path}`), { href: `#${method}${path}` });
    return within(make("li"), link, make("span", ` ${operation.summary ?? ""}`, "muted"));
  }));
}

/** The document; to whom it is refused, the form of the log-in instead. */
async function described() {
  const answer = await fetch("/openapi.json");
  if (answer.status === 401) location.assign("/login?to=/docs");
  return answer.json();
}

described().then((document_) => {
  const schemas = new Schemas(document_.components.schemas);
  const routes = Object.entries(document_.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [path, method, operation]));
  const drawn = routes.map(([path, method, operation]) => schemas.route(path, method, operation));
  document.getElementById("routes").replaceChildren(prose("p", document_.info.description), contents(routes), ...drawn);
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
});
