namespace AsArm.Inference.Patterns;

/// <summary>A point in the bytes of a filling: a state of a <see cref="TextAutomaton" />, and the bytes of a character that is not complete.</summary>
/// <param name="Text">The state after the complete characters; <see cref="TextAutomaton.Dead" /> for no point.</param>
/// <param name="Partial">0 between characters; else the bits of the character so far, its number of bytes (2 bits), and the number of those to come (2 bits).</param>
internal readonly record struct FillingPoint(int Text, int Partial)
{
    /// <summary>No filling begins so.</summary>
    public static readonly FillingPoint None = new(TextAutomaton.Dead, 0);

    /// <summary>The point after another byte. Bytes that are not valid UTF-8 lead nowhere: they are decoded as U+FFFD.</summary>
    public FillingPoint After(byte value, TextAutomaton texts)
    {
        if (Partial != 0)
            return Continue(value, texts);
        if (value < 0x80)
            return new(texts.Next(Text, (char)value), 0);
        return value switch
        {
            >= 0xC2 and <= 0xDF => Begin(value & 0x1F, 2),
            >= 0xE0 and <= 0xEF => Begin(value & 0x0F, 3),
            >= 0xF0 and <= 0xF4 => Begin(value & 0x07, 4),
            _ => None,
        };
    }

    private FillingPoint Begin(int bits, int length) => new(Text, (bits << 4) | ((length - 1) << 2) | (length - 1));

    private FillingPoint Continue(byte value, TextAutomaton texts)
    {
        if ((value & 0xC0) != 0x80)
            return None;
        int bits = ((Partial >> 4) << 6) | (value & 0x3F), length = ((Partial >> 2) & 3) + 1, left = (Partial & 3) - 1;
        if (left > 0)
            return new(Text, (bits << 4) | ((length - 1) << 2) | left);
        bool isOverlong = bits < (length == 3 ? 0x800 : length == 4 ? 0x10000 : 0);
        if (isOverlong || bits is > 0x10FFFF or (>= 0xD800 and <= 0xDFFF))
            return None;
        if (bits < 0x10000)
            return new(texts.Next(Text, (char)bits), 0);
        int high = texts.Next(Text, (char)(0xD7C0 + (bits >> 10)));
        return high == TextAutomaton.Dead ? None : new(texts.Next(high, (char)(0xDC00 + (bits & 0x3FF))), 0);
    }
}
