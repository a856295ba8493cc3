/**
 * Exponential and normal draws without a logarithm in 98 of 100 cases: the area under a falling density is cut
 * into 256 layers of equal area, a layer is chosen, and a point of it.
 *
 *   1 ┤▄                      x[256] = 0, x[1] = R, x[0] = area / density(R)
 *     │ ▀▄──┐ layer i         left of x[i + 1] the point is under the curve: taken at once
 *     │   ▀▄▄┼──┐ layer i−1   between x[i + 1] and x[i]: the density decides
 *     │      ▀▀▄▄▄▄──┐        layer 0 is the strip under density(R), whose part beyond R stands for the tail
 *     └──────────────┴──────
 *
 *   63                    11 10 9   8  7             0
 *   ├───────────────────────┼─────┼───┼───────────────┤
 *   │ where in the layer    │     │ ± │ layer         │  the word of a draw: no bit serves twice
 *   └───────────────────────┴─────┴───┴───────────────┘
 *
 * Source: Marsaglia, Tsang, "The ziggurat method for generating random variables" (2000), with the separate bits
 * that Doornik asks for in "An improved ziggurat method to generate normal random samples" (2005). Cost: about 4 ns.
 */

import { EXPONENTIAL_ZIGGURAT, NORMAL_ZIGGURAT, ZIGGURAT_LAYERS, ZigguratField } from "../memory-map";
import { Random } from "./random";

const EDGE_BYTES: u32 = ZigguratField.Length << 2;
const DENSITY: u32 = ZigguratField.Density << 2;
const NEGATIVE: u64 = 256;
const NEGATIVE_TO_SIGN: u64 = 55;

/** Where the tail begins, such that 256 layers end exactly at the density's top. */
const EXPONENTIAL_TAIL: f64 = 7.69711747013105;
const NORMAL_TAIL: f64 = 3.654152885361009;
/** A layer's area: tail × density(tail) + the area beyond. */
const EXPONENTIAL_AREA: f64 = 0.003949659822581556;
const NORMAL_AREA: f64 = 0.004928673233974657;

/** A falling density over x ≥ 0, scaled to 1 at 0. */
@unmanaged
abstract class Shape {
  abstract density(x: f64): f64;
  abstract inverse(density: f64): f64;
  /** A draw beyond the last layer's edge, from the bits that follow `word`. */
  abstract tail(word: u64): f64;
}

/** e^−x: what is left beyond any x looks the same again. */
@final
@unmanaged
class ExponentialShape extends Shape {
  density(x: f64): f64 {
    return NativeMath.exp(-x);
  }

  inverse(density: f64): f64 {
    return -NativeMath.log(density);
  }

  tail(word: u64): f64 {
    return EXPONENTIAL_TAIL - NativeMath.log(Random.positiveUnit(Random.moreBits(word)));
  }
}

/** e^(−x²/2), the right half. */
@final
@unmanaged
class NormalShape extends Shape {
  density(x: f64): f64 {
    return NativeMath.exp(-0.5 * x * x);
  }

  inverse(density: f64): f64 {
    return sqrt(-2 * NativeMath.log(density));
  }

  /** Marsaglia's: an exponential beyond the tail's begin, taken with the probability that is left. */
  tail(word: u64): f64 {
    while (true) {
      const beyond = Random.moreBits(word);
      word = Random.moreBits(beyond);
      const x = NativeMath.log(Random.positiveUnit(beyond)) / NORMAL_TAIL;
      if (-2 * NativeMath.log(Random.positiveUnit(word)) >= x * x) return NORMAL_TAIL - x;
    }
  }
}

export class Ziggurat {
  /** An exponential draw of mean 1. */
  @inline static exponential(word: u64): f64 {
    const layer = <usize>(word & (ZIGGURAT_LAYERS - 1)) * EDGE_BYTES;
    const x = Random.unit(word) * load<f64>(layer, EXPONENTIAL_ZIGGURAT);
    if (x < load<f64>(layer, EXPONENTIAL_ZIGGURAT + EDGE_BYTES)) return x;
    return decide<ExponentialShape>(word, EXPONENTIAL_ZIGGURAT);
  }

  /** A normal draw of mean 0 and variance 1. */
  @inline static normal(word: u64): f64 {
    const layer = <usize>(word & (ZIGGURAT_LAYERS - 1)) * EDGE_BYTES;
    let x = Random.unit(word) * load<f64>(layer, NORMAL_ZIGGURAT);
    if (x >= load<f64>(layer, NORMAL_ZIGGURAT + EDGE_BYTES)) x = decide<NormalShape>(word, NORMAL_ZIGGURAT);
    return reinterpret<f64>(reinterpret<u64>(x) | ((word & NEGATIVE) << NEGATIVE_TO_SIGN)); // no branch to mispredict
  }
}

/** A draw from the word's layer, or from another one where the density says no. */
function decide<S extends Shape>(word: u64, ziggurat: u32): f64 {
  const shape = changetype<S>(0);
  while (true) {
    const lower = ziggurat + <u32>(word & (ZIGGURAT_LAYERS - 1)) * EDGE_BYTES;
    const upper = lower + EDGE_BYTES;
    const x = Random.unit(word) * load<f64>(lower);
    if (x < load<f64>(upper)) return x;
    if (lower == ziggurat) return shape.tail(word);
    word = Random.moreBits(word);
    const height = load<f64>(upper, DENSITY) - load<f64>(lower, DENSITY);
    if (load<f64>(lower, DENSITY) + Random.unit(word) * height < shape.density(x)) return x;
    word = Random.moreBits(word);
  }
}

/** Writes a ziggurat's edges, from the strip under the tail upwards. */
function build<S extends Shape>(ziggurat: u32, tail: f64, area: f64): void {
  const shape = changetype<S>(0);
  let x = tail;
  writeEdge(ziggurat, area / shape.density(tail), 0);
  for (let layer: u32 = 1; layer < <u32>ZIGGURAT_LAYERS; layer++) {
    const density = shape.density(x);
    writeEdge(ziggurat + layer * EDGE_BYTES, x, density);
    x = shape.inverse(min(density + area / x, 1));
  }
  writeEdge(ziggurat + ZIGGURAT_LAYERS * EDGE_BYTES, 0, 1);
}

function writeEdge(address: u32, x: f64, density: f64): void {
  store<f64>(address, x);
  store<f64>(address, density, DENSITY);
}

/** Writes the constant tables. To be called once for each memory, before the first draw; again does no harm. */
export function initializeDraws(): void {
  build<ExponentialShape>(EXPONENTIAL_ZIGGURAT, EXPONENTIAL_TAIL, EXPONENTIAL_AREA);
  build<NormalShape>(NORMAL_ZIGGURAT, NORMAL_TAIL, NORMAL_AREA);
}
