// Touches of fingers on a page, as the browser gets them from a touch screen.
import type { Page } from "playwright-core";

export type Finger = readonly [x: number, y: number];

/** @returns a function that sets where the fingers are, which touch the screen when they first appear */
export async function fingersOn(page: Page) {
  const session = await page.context().newCDPSession(page);
  return async (type: "touchStart" | "touchMove" | "touchEnd", ...fingers: readonly Finger[]): Promise<void> => {
    const touchPoints = fingers.map(([x, y], id) => ({ x, y, id }));
    await session.send("Input.dispatchTouchEvent", { type, touchPoints });
  };
}
