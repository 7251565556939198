// An element that the pointer drags.

export type Offset = { x: number; y: number };

/** A pointer that moves less only clicks. */
const LEAST_MOVE = 4;

/** `moved` is told how far the pointer is from where it began, `dropped` that it let go, or null if it was taken away. */
export function draggable(moved: (offset: Offset) => void, dropped: (offset: Offset | null) => void) {
  return (element: HTMLElement) => {
    let start: (Offset & { id: number }) | null = null;
    let drags = false;

    const offsetOf = (event: PointerEvent): Offset => ({
      x: event.clientX - (start?.x ?? 0),
      y: event.clientY - (start?.y ?? 0),
    });
    function down(event: PointerEvent) {
      if (event.button !== 0 || start) return;
      start = { x: event.clientX, y: event.clientY, id: event.pointerId };
    }
    function move(event: PointerEvent) {
      if (event.pointerId !== start?.id) return;
      const offset = offsetOf(event);
      if (!drags && Math.hypot(offset.x, offset.y) < LEAST_MOVE) return;
      if (!drags) element.setPointerCapture(event.pointerId);
      drags = true;
      moved(offset);
    }
    function end(event: PointerEvent) {
      if (event.pointerId !== start?.id) return;
      const offset = event.type === "pointerup" ? offsetOf(event) : null;
      start = null;
      if (!drags) return;
      drags = false;
      if (offset) swallowClick();
      dropped(offset);
    }
    /** The click that ends a drag presses no button under the pointer. */
    function swallowClick() {
      const swallow = (event: Event) => (event.preventDefault(), event.stopPropagation());
      element.addEventListener("click", swallow, { capture: true, once: true });
      window.setTimeout(() => element.removeEventListener("click", swallow, { capture: true }));
    }

    element.addEventListener("pointerdown", down);
    // Before it is captured a fast pointer may have left the element.
    const root = element.ownerDocument;
    root.addEventListener("pointermove", move);
    root.addEventListener("pointerup", end);
    root.addEventListener("pointercancel", end);
    return () => {
      element.removeEventListener("pointerdown", down);
      root.removeEventListener("pointermove", move);
      root.removeEventListener("pointerup", end);
      root.removeEventListener("pointercancel", end);
      if (drags) dropped(null);
    };
  };
}
