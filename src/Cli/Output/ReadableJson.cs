using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AsArm.Cli.Output;

/// <summary>
/// JSON that people can read: only quotes, backslashes, control characters and line separators are escaped. The encoders that
/// come with .NET escape everything beyond U+FFFF, and private and newer characters.
/// </summary>
internal sealed class ReadableJson : JavaScriptEncoder
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = new ReadableJson() };

    /// <summary>A JSON value with the end of its line.</summary>
    public static ReadOnlyMemory<byte> Line(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, s_options))
            write(json);
        buffer.Write("\n"u8);
        return buffer.WrittenMemory;
    }

    public override int MaxOutputCharactersPerInputCharacter => 6; // \uXXXX

    public override bool WillEncode(int unicodeScalar) => unicodeScalar switch
    {
        '"' or '\\' => true,
        < 0x20 or (>= 0x7F and <= 0x9F) => true,
        0x2028 or 0x2029 => true, // some readers of lines end one there
        _ => false,
    };

    public override unsafe int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var characters = new ReadOnlySpan<char>(text, textLength);
        for (int i = 0; i < characters.Length; i++)
        {
            if (WillEncode(characters[i]) || IsHalfAPair(characters[i..], i > 0 ? characters[i - 1] : '\0'))
                return i;
        }

        return -1;
    }

    public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        var room = new Span<char>(buffer, bufferLength);
        string escaped = unicodeScalar switch
        {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\b' => "\\b",
            '\f' => "\\f",
            _ when WillEncode(unicodeScalar) => $"\\u{unicodeScalar:X4}",
            _ => new Rune(unicodeScalar).ToString(),
        };
        bool fits = escaped.TryCopyTo(room);
        numberOfCharactersWritten = fits ? escaped.Length : 0;
        return fits;
    }

    /// <summary>An unpaired surrogate is not a character; it is replaced.</summary>
    private static bool IsHalfAPair(ReadOnlySpan<char> from, char before) => char.IsHighSurrogate(from[0])
        ? from.Length < 2 || !char.IsLowSurrogate(from[1])
        : char.IsLowSurrogate(from[0]) && !char.IsHighSurrogate(before);
}
