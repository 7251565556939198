// When the log is drawn. A busy room changes more often than a screen can draw.

const HIDDEN_DRAW_INTERVAL = 200;

export class Redraw {
  #scheduled = false;
  readonly #draw: () => void;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  /** Draws within the next frame, once. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const draw = () => {
      window.clearTimeout(timer);
      if (!this.#scheduled) return;
      this.#scheduled = false;
      this.#draw();
    };
    // The browser runs no animation frames in a hidden tab, not even those requested before.
    const timer = window.setTimeout(draw, HIDDEN_DRAW_INTERVAL);
    if (!document.hidden) requestAnimationFrame(draw);
  }
}
