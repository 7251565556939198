// The call in a small window over all others, where the browser has such windows (Document Picture-in-Picture).

import { mount, unmount } from "svelte";
import PopOutView from "./PopOut.svelte";
import type { PopOutProps } from "./pop-out-props";

type DocumentPictureInPicture = {
  requestWindow(options: { width: number; height: number }): Promise<Window>;
};
declare global {
  interface Window {
    documentPictureInPicture?: DocumentPictureInPicture;
  }
}

const SIZE = { width: 400, height: 290 };

export const canPopOut = () => window.documentPictureInPicture !== undefined;

export class PopOut {
  open = $state(false);
  #window: Window | null = null;
  #ended = false;

  /** Within a click. */
  async toggle(props: PopOutProps): Promise<void> {
    if (this.#window) return this.#window.close();
    const popOut = await window.documentPictureInPicture?.requestWindow(SIZE).catch(() => null);
    if (!popOut) return;
    // The call ended meanwhile.
    if (this.#ended) return popOut.close();
    this.#window = popOut;
    this.open = true;
    copyLook(popOut.document);
    const view = mount(PopOutView, { target: popOut.document.body, props });
    popOut.addEventListener("pagehide", () => {
      this.#window = null;
      this.open = false;
      void unmount(view);
    });
  }

  close(): void {
    this.#window?.close();
  }

  end(): void {
    this.#ended = true;
    this.close();
  }
}

/** The styles are links and no text: the page's policy holds there as well. */
function copyLook(to: Document): void {
  const { lang, style } = document.documentElement;
  to.documentElement.lang = lang;
  to.documentElement.style.colorScheme = style.colorScheme;
  to.title = document.title;
  for (const link of document.querySelectorAll("link[rel=stylesheet]")) to.head.append(to.importNode(link));
}
