/** HTML of a Markdown file, made when the page is built. */
declare module "*.md" {
  const html: string;
  export default html;
}
