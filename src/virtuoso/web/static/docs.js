"use strict";
// The API's own page, drawn from /openapi.json.
const make = (tag, text, className) => Object.assign(document.createElement(tag), { textContent: text ?? "", className: className ?? "" });

function drawRoute(path, method, operation) {
  const section = make("section", "", "route");
  const title = make("h2");
  title.append(make("code", `${method.toUpperCase()} ${path}`), make("span", ` ${operation.summary ?? ""}`, "muted"));
  section.append(title);
  for (const parameter of operation.parameters ?? []) {
    const schema = parameter.schema ?? {};
    const bounds = [schema.minimum !== undefined ? `≥ ${schema.minimum}` : "", schema.maximum !== undefined ? `≤ ${schema.maximum}` : "", schema.default !== undefined ? `default ${schema.default}` : ""].filter(Boolean).join(", ");
    section.append(make("p", `${parameter.name} (${parameter.in}${bounds ? `; ${bounds}` : ""}): ${parameter.description ?? ""}`));
  }
  section.append(make("p", Object.entries(operation.responses).map(([status, answer]) => `${status} ${answer.description}`).join(" · "), "muted"));
  const content = Object.values(operation.responses["200"]?.content ?? {})[0];
  if (content?.example) section.append(make("pre", JSON.stringify(content.example, null, 2)));
  return section;
}

fetch("/openapi.json").then((answer) => answer.json()).then((document_) => {
  const routes = [make("p", document_.info.description)];
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, operation] of Object.entries(methods)) routes.push(drawRoute(path, method, operation));
  }
  document.getElementById("routes").replaceChildren(...routes);
});
