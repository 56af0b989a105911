// Q-learning with a table, as in dlcourse.applications.rl: the same numbers from the same random numbers.

/** @typedef {() => number} Random gives numbers from 0 to 1 */

/**
 * Where an agent learns; rules[state][action] is [next, reward, terminated].
 * @typedef {object} World
 * @property {number} start
 * @property {number} max_steps
 * @property {[number, number, boolean][][]} rules
 */

/** @typedef {{ epsilon: number, discount: number, learning_rate: number }} Settings */

/**
 * Choose an action as dlcourse.applications.rl.epsilon_greedy does.
 * @param {readonly number[]} values
 * @param {number} epsilon
 * @param {Random} random
 */
export function epsilonGreedy(values, epsilon, random) {
  if (random() < epsilon) return Math.floor(random() * values.length);
  const largest = Math.max(...values);
  const best = [...values.keys()].filter((action) => values[action] === largest);
  return best.length === 1 ? best[0] : best[Math.floor(random() * best.length)];
}

/** Learns in a world, a step at a time. */
export class QLearner {
  /**
   * @param {World} world
   * @param {Random} random
   */
  constructor(world, random) {
    this.world = world;
    this.random = random;
    this.episode = 0;
    this.steps = 0; // of the episode
    this.state = world.start;
    this.over = true;
    this.table = world.rules.map((row) => row.map(() => 0));
  }

  /**
   * Take one step and learn from it; after the last of an episode the next one begins.
   * @param {Settings} settings
   */
  step({ epsilon, discount, learning_rate }) {
    if (this.over) {
      this.state = this.world.start;
      this.steps = 0;
      this.episode += 1;
    }
    const state = this.state;
    const action = epsilonGreedy(this.table[state], epsilon, this.random);
    const [next, reward, terminated] = this.world.rules[state][action];
    this.steps += 1;
    const truncated = this.steps >= this.world.max_steps;
    const before = this.table[state][action];
    const ahead = terminated ? 0 : Math.max(...this.table[next]);
    const target = reward + discount * ahead;
    this.table[state][action] += learning_rate * (target - before);
    this.state = next;
    this.over = terminated || truncated;
    return {
      state,
      action,
      next,
      reward,
      terminated,
      truncated,
      before,
      ahead,
      target,
      after: this.table[state][action],
    };
  }
}

/**
 * Learn from whole episodes with the random numbers of a list; returns the table and each length.
 * @param {World} world
 * @param {Settings} settings
 * @param {number} episodes
 * @param {number[]} numbers
 */
export function qLearn(world, settings, episodes, numbers) {
  const learner = new QLearner(world, () => /** @type {number} */ (numbers.shift()));
  /** @type {number[]} */
  const lengths = [];
  while (lengths.length < episodes) {
    learner.step(settings);
    if (learner.over) lengths.push(learner.steps);
  }
  return { table: learner.table, lengths };
}

/**
 * The states that the largest values lead through, until an end or a place seen before.
 * @param {Pick<World, "start" | "rules">} world
 * @param {readonly (readonly number[])[]} table
 */
export function greedyPath({ start, rules }, table) {
  const path = [start];
  for (let state = start; ; ) {
    const values = table[state];
    const [next, reward, terminated] = rules[state][values.indexOf(Math.max(...values))];
    if (path.includes(next)) return { path, reward: null }; // it goes round
    path.push(next);
    if (terminated) return { path, reward };
    state = next;
  }
}
