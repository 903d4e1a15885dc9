// What Sources/Plotting/Assets/figure.js adds to the page that loads it.
declare global {
  /** Makes a figure's picture answer the pointer and the keyboard. */
  function needletailFigure(figure: Element): void;
}
export {};
