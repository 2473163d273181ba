// A table whose rows are drawn only where they are seen: 10,000 of them scroll as lightly as ten.
import classes from "./Rows.module.css";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type ReactNode, useRef } from "react";

export interface Column<T> {
  name: string;
  /** A track of a CSS grid. */
  width: string;
  /** The same on a phone, where columns without it are left out. */
  phone?: string;
  cell: (row: T) => ReactNode;
}

const ROW_PX = 52;
const HEIGHT_MAX_PX = 680;

export function Rows<T>({
  label,
  rows,
  columns,
  rowKey,
}: {
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const seen = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const tracks = {
    "--wide": columns.map(({ width }) => width).join(" "),
    "--phone": columns.flatMap(({ phone }) => phone ?? []).join(" "),
  } as CSSProperties;
  const places = columns.map(({ phone }) => (phone === undefined ? classes.wideOnly : undefined));
  return (
    <div
      ref={frame}
      className={classes.frame}
      style={{ maxHeight: HEIGHT_MAX_PX, ...tracks }}
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      tabIndex={0}
    >
      <div className={classes.inside}>
        <div role="row" aria-rowindex={1} className={classes.head}>
          {columns.map(({ name }, at) => (
            <div key={name} role="columnheader" className={places[at]}>
              {name}
            </div>
          ))}
        </div>
        <div role="rowgroup" style={{ height: seen.getTotalSize(), position: "relative" }}>
          {seen.getVirtualItems().map(({ index, start, size }) => {
            const row = rows[index];
            if (row === undefined) return null;
            return (
              <div
                key={rowKey(row)}
                role="row"
                aria-rowindex={index + 2}
                className={classes.row}
                style={{ height: size, transform: `translateY(${start}px)` }}
              >
                {columns.map(({ name, cell }, at) => (
                  <div key={name} role="cell" className={places[at]}>
                    {cell(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
