declare module 'seek-bzip' {
  const bunzip: {
    /** Decodes bzip2; `multistream`: all streams of the file, not the first one only. Throws what is broken. */
    decode(input: Buffer, output: { writeByte(byte: number): void }, multistream?: boolean): void;
  };
  export default bunzip;
}
