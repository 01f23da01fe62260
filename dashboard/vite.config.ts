import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { markdown } from "./markdown.ts";

// The page is served by Virtuoso itself: `/static/app/…` are the built files, every other address of the page is index.html.
export default defineConfig({
  plugins: [svelte(), markdown()],
  base: "/static/app/",
  build: {
    outDir: "../src/virtuoso/web/static/app",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the policy of the page allows no inline content
    modulePreload: { polyfill: false },
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: {
    fs: { allow: [".."] }, // docs/
    // `npx vite` beside a running Virtuoso, for whoever works at the page
    proxy: Object.fromEntries(["/api", "/health", "/docs"].map((path) => [path, "http://127.0.0.1:8002"])),
  },
  // they test functions: one process for all of them takes a third of the time of one each
  test: { include: ["src/**/*.test.ts"], pool: "threads", isolate: false, maxWorkers: 1 },
});
