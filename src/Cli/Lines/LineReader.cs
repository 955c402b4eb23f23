using System.Buffers;

namespace AsArm.Cli.Lines;

/// <summary>Reads a stream line by line; each line as soon as its end has been read. A line that is too long is skipped, not buffered.</summary>
internal sealed class LineReader(Stream stream)
{
    /// <summary>The maximum length of a line in bytes: 16 MiB.</summary>
    public const int MaxBytes = 16 << 20;

    private ArrayBufferWriter<byte> _line = new();
    private bool _isTooLong;
    private long _number;

    /// <summary>The lines; the last one may lack a line end.</summary>
    public IEnumerable<RawLine> Read()
    {
        byte[] chunk = new byte[1 << 16];
        for (int count; (count = stream.Read(chunk)) > 0;)
        {
            int start = 0;
            for (int end; (end = Array.IndexOf(chunk, (byte)'\n', start, count - start)) >= 0; start = end + 1)
            {
                Append(chunk.AsSpan(start..end));
                yield return Take();
            }

            Append(chunk.AsSpan(start..count));
        }

        if (_isTooLong || _line.WrittenCount > 0)
            yield return Take();
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (_isTooLong || _line.WrittenCount + bytes.Length > MaxBytes)
        {
            _isTooLong = true;
            _line = new();
        }
        else
            _line.Write(bytes);
    }

    private RawLine Take()
    {
        var line = new RawLine(++_number, _isTooLong ? (ReadOnlyMemory<byte>?)null : _line.WrittenSpan.ToArray());
        _line = new();
        _isTooLong = false;
        return line;
    }
}
