/** Stops the guest where a list has been followed for longer than any list of the heap can be. */
import { endless } from "../fault";

export class EndlessList {
  /** Does not return, and tells the compiler so: that keeps the count in a list's loop nearly free. */
  @inline static at(address: u32): void {
    endless(address);
    unreachable();
  }
}
