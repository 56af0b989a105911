// A button that plays and pauses.
import { button } from "./common.js";

/**
 * Take a step every so many milliseconds, until nothing is left or the page drops the explorer.
 *
 * Returns the button, and `pause()`, which whoever moves by hand calls first.
 * @param {HTMLElement} host
 * @param {number} period
 * @param {object} does
 * @param {() => void} does.step
 * @param {() => boolean} [does.ended] whether no step is left
 * @param {() => void} [does.rewind] called when it starts from the end
 * @param {(playing: boolean) => void} [does.changed] called when it starts and when it pauses
 */
export function player(
  host,
  period,
  { step, ended = () => false, rewind = () => {}, changed = () => {} },
) {
  let timer = 0; // 0 while it pauses

  function pause() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
    changed(false);
  }

  function start() {
    if (ended()) rewind();
    play.textContent = "Pause";
    changed(true);
    timer = setInterval(() => {
      if (!host.isConnected || ended()) pause();
      else step();
    }, period);
  }

  const play = button("Play", () => (timer ? pause() : start()));
  return { button: play, pause };
}
