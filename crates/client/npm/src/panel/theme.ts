// Whether the page around an element is light or dark, and when that may have changed.

/** The color scheme that the page declares where the element stands; where it declares none, the background behind it tells. */
export function isDarkAround(element: Element): boolean {
  const names = getComputedStyle(element).colorScheme.split(" ");
  const [isLightDeclared, isDarkDeclared] = [names.includes("light"), names.includes("dark")];
  if (isLightDeclared || isDarkDeclared) return isDarkDeclared && (!isLightDeclared || prefersDark().matches);
  for (let at: Element | null = element; at; at = parentOf(at)) {
    const luminance = luminanceOf(getComputedStyle(at).backgroundColor);
    if (luminance !== undefined) return luminance < 0.5;
  }
  // Browsers draw such a page on white.
  return false;
}

/** Calls `f` whenever the answer may be another one; gives the function that ends that. */
export function watchPage(f: () => void): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  prefersDark().addEventListener("change", f, { signal });
  // Pages switch by a class or an attribute of their root, and some fade over.
  const observer = new MutationObserver(f);
  for (const root of [document.documentElement, document.body]) observer.observe(root, { attributes: true });
  const onFaded = (event: TransitionEvent) => event.propertyName === "background-color" && f();
  document.addEventListener("transitionend", onFaded, { signal });
  return () => {
    ending.abort();
    observer.disconnect();
  };
}

function prefersDark(): MediaQueryList {
  return matchMedia("(prefers-color-scheme: dark)");
}

/** The parent in what is drawn: of a slotted element its slot, of a shadow root its host. */
function parentOf(element: Element): Element | null {
  if (element.assignedSlot) return element.assignedSlot;
  const parent = element.parentNode;
  return parent instanceof ShadowRoot ? parent.host : element.parentElement;
}

/** How light a color is, from 0 to 1; `undefined` where one mostly sees through it. */
function luminanceOf(color: string): number | undefined {
  // A canvas reads every way there is to write a color.
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  if (!context) return undefined;
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 0] = context.getImageData(0, 0, 1, 1).data;
  return alpha < 128 ? undefined : (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}
