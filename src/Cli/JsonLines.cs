using System.Text;

namespace AsArm.Cli;

/// <summary>Reads a stream line by line as strict UTF-8, so that one broken line does not spoil the next.</summary>
internal static class JsonLines
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The lines by number from 1, without their ends; null for a line that is no valid UTF-8.</summary>
    public static IEnumerable<(int Number, string? Text)> Read(Stream stream)
    {
        var buffered = new BufferedStream(stream, 1 << 16); // left open, as the stream is the caller's
        var line = new List<byte>();
        int number = 1;
        for (int value; (value = buffered.ReadByte()) >= 0;)
        {
            if (value != '\n')
            {
                line.Add((byte)value);
                continue;
            }

            yield return (number++, Decode(line));
            line.Clear();
        }

        if (line.Count > 0)
            yield return (number, Decode(line));
    }

    private static string? Decode(List<byte> line)
    {
        try
        {
            return s_strict.GetString([.. line]).TrimStart('\uFEFF').TrimEnd('\r');
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
