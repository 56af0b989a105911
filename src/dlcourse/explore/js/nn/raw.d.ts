// `import text from "./file.js?raw"`: a module and what it imports as text; see bundle() of widget.py.
declare module "*?raw" {
  const text: string;
  export default text;
}
