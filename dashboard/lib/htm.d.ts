/** Templates are checked when they run; what they give is a view. */
declare const htm: {
  bind(h: unknown): (strings: TemplateStringsArray, ...values: any[]) => any;
};
export default htm;
