/**
 * The game of an adversary against an allocator: the adversary allocates and releases as it likes, within a budget of
 * live units, and wins with a request that is refused. The allocator has no choice, so it is a game of one player, and
 * a search through all the states that can be reached, breadth first, ends with the shortest win or with the proof
 * that there is none.
 */
import { StateStore } from "./state-store.ts";

/** A heap that can be put into any state it has been in. */
export interface Game {
  /** Words of the largest state. */
  readonly stateWords: number;
  readonly liveUnits: number;
  readonly liveBlocks: number;
  /** Writes the state, equal for heaps that nothing tells apart from here on. The words written. */
  save(state: Uint32Array): number;
  load(words: Uint32Array, from: number, end: number): void;
  /** False: refused. */
  allocate(units: number): boolean;
  /** Releases the live block that is the `index`-th by address. False: the allocator takes none back. */
  release(index: number): boolean;
}

/** What the adversary may do. */
export interface Budget {
  /** Units live at once. */
  readonly live: number;
  /** Units of the largest request. */
  readonly largest: number;
  /** States after which the search gives up. */
  readonly statesMost: number;
}

/** A move: how many units are asked for, or which of the live blocks, by address, is released. */
export type Move = { readonly allocate: number } | { readonly release: number };

export type SearchResult =
  /** The moves end with the request that is refused. */
  | { readonly kind: "defeated"; readonly states: number; readonly moves: readonly Move[] }
  /** No adversary wins. */
  | { readonly kind: "survives"; readonly states: number }
  | { readonly kind: "beyond"; readonly states: number };

/** Moves in a byte: a release has this bit. */
const RELEASE = 0x80;
/** More units live than this, and a move would not fit into a byte. */
export const LIVE_MOST = 0x7f;
const BYTES_MOST = 1.5 * 2 ** 30;

/** Searches the game from the state in which `game` is: the empty heap. */
export function searchGame(game: Game, budget: Budget): SearchResult {
  return new Search(game, budget).run();
}

class Search {
  readonly #game: Game;
  readonly #budget: Budget;
  readonly #store = new StateStore();
  readonly #scratch: Uint32Array;

  constructor(game: Game, budget: Budget) {
    this.#game = game;
    this.#budget = budget;
    this.#scratch = new Uint32Array(game.stateWords);
  }

  run(): SearchResult {
    const store = this.#store;
    this.#add(0, 0);
    for (let state = 0; state < store.count; state++) {
      this.#load(state);
      const { liveUnits, liveBlocks } = this.#game;
      const refused = this.#tryRequests(state, Math.min(this.#budget.largest, this.#budget.live - liveUnits));
      if (refused > 0) {
        return { kind: "defeated", states: store.count, moves: [...this.#movesTo(state), { allocate: refused }] };
      }
      this.#tryReleases(state, liveBlocks);
      if (this.#isBeyond()) return { kind: "beyond", states: store.count };
    }
    return { kind: "survives", states: store.count };
  }

  /** The request that is refused, or 0. */
  #tryRequests(state: number, most: number): number {
    for (let units = 1; units <= most; units++) {
      if (units > 1) this.#load(state);
      if (!this.#game.allocate(units)) return units;
      this.#add(state, units);
    }
    return 0;
  }

  #tryReleases(state: number, blocks: number): void {
    for (let index = 0; index < blocks; index++) {
      this.#load(state);
      if (this.#game.release(index)) this.#add(state, RELEASE | index);
    }
  }

  #load(state: number): void {
    this.#game.load(this.#store.words, this.#store.startOf(state), this.#store.endOf(state));
  }

  #add(parent: number, move: number): void {
    this.#store.add(this.#scratch, this.#game.save(this.#scratch), parent, move);
  }

  #isBeyond(): boolean {
    return this.#store.count > this.#budget.statesMost || this.#store.bytes > BYTES_MOST;
  }

  #movesTo(state: number): Move[] {
    const moves: Move[] = [];
    for (let at = state; at > 0; at = this.#store.parentOf(at)) {
      const move = this.#store.moveTo(at);
      moves.push(move & RELEASE ? { release: move & ~RELEASE } : { allocate: move });
    }
    return moves.reverse();
  }
}
