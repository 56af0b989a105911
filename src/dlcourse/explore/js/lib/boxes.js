// Boxes as [left, top, right, bottom], without the page; as in dlcourse.applications.detection.boxes.

/** @typedef {readonly number[]} Box left, top, right, bottom */
/** @typedef {{ box: Box, label: number }} Thing */

export const area = (/** @type {Box} */ [left, top, right, bottom]) =>
  Math.max(right - left, 0) * Math.max(bottom - top, 0);

/**
 * What two boxes share, what they cover together, and the ratio.
 * @param {Box} a
 * @param {Box} b
 */
export function overlap(a, b) {
  const shared = area([
    Math.max(a[0], b[0]),
    Math.max(a[1], b[1]),
    Math.min(a[2], b[2]),
    Math.min(a[3], b[3]),
  ]);
  const union = area(a) + area(b) - shared;
  return { shared, union, iou: union > 0 ? shared / union : 0 };
}

/**
 * Which boxes of one class to keep, the surest first.
 * @param {readonly Box[]} boxes
 * @param {readonly number[]} scores
 * @param {number} threshold
 */
export function suppress(boxes, scores, threshold) {
  let order = scores.map((_, i) => i).sort((i, j) => scores[j] - scores[i] || i - j);
  const kept = [];
  while (order.length) {
    const [best, ...rest] = order;
    kept.push(best);
    order = rest.filter((i) => overlap(boxes[best], boxes[i]).iou <= threshold);
  }
  return kept;
}

/**
 * Which detections are right: each takes the free thing of its class that it overlaps most.
 * @param {readonly Thing[]} found
 * @param {readonly Thing[]} known
 * @param {number} threshold
 */
export function match(found, known, threshold) {
  const free = known.map(() => true);
  return found.map(({ box, label }) => {
    let best = -1;
    let most = threshold;
    known.forEach((thing, k) => {
      const { iou } = overlap(box, thing.box);
      if (free[k] && thing.label === label && iou >= most) {
        most = iou;
        best = k;
      }
    });
    if (best >= 0) free[best] = false;
    return best >= 0;
  });
}
