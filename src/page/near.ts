/** Drawings exist only near what is seen: a page of a hundred runs opens at once and keeps few canvases. */

/** How far outside the window drawings begin, in window heights. */
const MARGIN = "100%";

/** Draws into the element, and returns how to take it away. */
export type Draw = () => () => void;

/** Draws into each element while it is near the window. What is taken away leaves its height, so that nothing jumps. */
export function drawWhenNear(drawings: ReadonlyMap<HTMLElement, Draw>): void {
  const drawn = new Map<Element, () => void>();
  const update = ({ target, isIntersecting }: IntersectionObserverEntry): void => {
    const element = target as HTMLElement;
    const erase = drawn.get(element);
    if (isIntersecting && !erase) {
      const draw = drawings.get(element);
      if (draw) drawn.set(element, draw());
      element.dataset.drawn = "";
    } else if (!isIntersecting && erase && !element.contains(document.activeElement)) {
      element.style.setProperty("--drawn-height", `${element.getBoundingClientRect().height}px`);
      erase();
      drawn.delete(element);
      delete element.dataset.drawn;
    }
  };
  const observer = new IntersectionObserver((entries) => entries.forEach(update), { rootMargin: `${MARGIN} 0px` });
  for (const element of drawings.keys()) observer.observe(element);
}
