// Loads a lazy part after its styles: the build calls this for every `import()` of a part that has any.

const loading = new Map<string, Promise<void>>();

/** `styles` are paths below the page's root. Rejects where a style or the part cannot be fetched. */
export async function loadPart<T>(load: () => Promise<T>, styles: readonly string[] = []): Promise<T> {
  await Promise.all(styles.map(loadStyle));
  return load();
}

function loadStyle(path: string): Promise<void> {
  const known = loading.get(path);
  if (known) return known;
  // The document's own: a second one would come last, and overrule what parts have changed.
  if (document.querySelector(`link[rel=stylesheet][href="/${path}"]`)) return Promise.resolve();
  const style = new Promise<void>((loaded, failed) => {
    const link = Object.assign(document.createElement("link"), {
      rel: "stylesheet",
      crossOrigin: "",
      href: `/${path}`,
      onload: () => loaded(),
      onerror() {
        // The next call asks again.
        loading.delete(path);
        link.remove();
        failed(new Error(`${path} could not be loaded`));
      },
    });
    document.head.append(link);
  });
  loading.set(path, style);
  return style;
}
