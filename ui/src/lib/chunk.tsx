// A part of the app that is loaded when it is needed. One that was loaded ahead is there at once: nothing is shown in its place meanwhile.
import { type ComponentType, lazy, useState } from "react";

export interface Chunk {
  /** Begins to load it, without showing it. */
  ahead: () => void;
  Shown: ComponentType;
}

export function chunk(load: () => Promise<{ default: ComponentType }>): Chunk {
  let here: ComponentType | null = null;
  const loaded = async () => {
    const part = await load();
    here = part.default;
    return part;
  };
  const Lazy = lazy(loaded);
  return {
    // What fails here is tried again, and told, when it is shown.
    ahead: () => void loaded().catch(() => undefined),
    Shown() {
      // Which of the two it is stays as it was: another would lose what the reader did.
      const [Part] = useState<ComponentType>(() => here ?? Lazy);
      return <Part />;
    },
  };
}
