// Documents of `docs/` as parts of the page: Markdown is made HTML when the page is built, so that it is there offline.

import { dirname, resolve } from "node:path";
import { Marked } from "marked";
import type { Plugin } from "vite";
import { anchorOf } from "./src/terms/anchors.ts";

/** A module whose default is the HTML of a Markdown file; its pictures are files of the page. */
export function markdown(): Plugin {
  return {
    name: "markdown",
    transform(source, id) {
      if (!id.endsWith(".md")) return null;
      const pictures: string[] = [];
      const html = rendered(source, (path) => {
        pictures.push(resolve(dirname(id), path));
        return `\u0000${pictures.length - 1}\u0000`;
      });
      const parts = html.split("\u0000").map((part, i) => (i % 2 === 0 ? JSON.stringify(part) : `picture${part}`));
      const imports = pictures.map((path, i) => `import picture${i} from ${JSON.stringify(`${path}?url`)};`);
      return { code: [...imports, `export default ${parts.join(" + ")};`].join("\n"), map: null };
    },
  };
}

/** The HTML of a document. What it links to in other files is not on the page: there the text stands alone. */
export function rendered(source: string, picture: (path: string) => string): string {
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${anchorOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        return href.startsWith("#") ? `<a href="${href}">${text}</a>` : `${text} (<code>docs/${href}</code>)`;
      },
      image({ href, text }) {
        return `<img src="${picture(href)}" alt="${text}" loading="lazy">`;
      },
      table(token) {
        const row = (cells: typeof token.header, tag: string) =>
          `<tr>${cells.map((cell) => written(this.parser.parseInline(cell.tokens), tag)).join("")}</tr>`;
        const body = token.rows.map((cells) => row(cells, "td")).join("\n");
        return `<div class="scroller" role="group" tabindex="0" aria-label="Table"><table><thead>${row(token.header, "th")}</thead><tbody>${body}</tbody></table></div>\n`;
      },
    },
  });
  return marked.parse(source, { async: false });
}

/** A cell; a head that says nothing is none. */
function written(text: string, tag: string): string {
  const used = text === "" ? "td" : tag;
  return `<${used}>${text}</${used}>`;
}
