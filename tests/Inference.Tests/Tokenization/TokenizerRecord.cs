using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Json;
using AsArm.Inference.Text;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Tests.Tokenization;

/// <summary>
/// Lines, and checksums of the ids that Python's sentencepiece with Hugging Face's normalisation gives them; written by tests/tools/record_tokenizer.py.
/// </summary>
internal sealed class TokenizerRecord
{
    private const int AllLines = 2, Every = 5; // the first two settings were recorded for all lines, the others for every fifth
    private const int CodeLines = 3_500; // the last ones of the committed record

    private readonly string[] _lines;
    private readonly int _corners;
    private readonly byte[] _checksums;

    private TokenizerRecord(string[] lines, int corners, byte[] checksums) => (_lines, _corners, _checksums) = (lines, corners, checksums);

    /// <summary>The recorded settings, in the order of the recording program.</summary>
    public static IReadOnlyList<TokenizerSetting> Settings { get; } =
    [
        new("stories", () => Tokenizers.Stories),
        new("xlnet, Hugging Face's defaults", () => Tokenizers.Xlnet(new TextRules())),
        new("xlnet, no rules", () => Tokenizers.Xlnet(null)),
        new("xlnet, lower case", () => Tokenizers.Xlnet(new TextRules(DoLowerCase: true))),
        new("xlnet, accents and spaces kept", () => Tokenizers.Xlnet(new TextRules(KeepAccents: true, RemoveSpace: false))),
        new("xlnet, commas not split", () => Tokenizers.Xlnet(new TextRules(SplitDigitCommas: false))),
        new("stories, after another token", () => Tokenizers.Stories, IsContinuation: true),
        new("xlnet, Hugging Face's defaults, after another token", () => Tokenizers.Xlnet(new TextRules()), IsContinuation: true),
        new("odd", () => Tokenizers.Odd(null)),
        new("odd, lower case, spaces kept", () => Tokenizers.Odd(new TextRules(DoLowerCase: true, RemoveSpace: false))),
        new("odd, accents and spaces kept, after another token", () => Tokenizers.Odd(new TextRules(KeepAccents: true, RemoveSpace: false)), IsContinuation: true),
    ];

    /// <summary>All recorded lines.</summary>
    public string[] Texts => _lines;

    /// <summary>Number of lines that a setting was recorded for.</summary>
    public int Count(int setting) => Lines(setting).Count();

    /// <summary>Reads a folder that the recording program wrote.</summary>
    public static TokenizerRecord Read(string folder)
    {
        string[] lines = [.. System.Text.Encoding.UTF8.GetString(Unpack(Path.Combine(folder, "lines.json.gz")))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<string>(line)!)];
        var record = new TokenizerRecord(lines[1..], int.Parse(lines[0]), Unpack(Path.Combine(folder, "checks.bin.gz")));
        int expected = Enumerable.Range(0, Settings.Count).Sum(record.Count);
        Assert.AreEqual(expected * sizeof(ushort), record._checksums.Length, "The settings of the record are not those of the test.");
        return record;
    }

    /// <summary>The lines of a setting for which a tokenizer gives other ids than those recorded.</summary>
    public List<string> Mismatches(int setting, InfillTokenizer tokenizer)
    {
        int offset = Enumerable.Range(0, setting).Sum(Count) * sizeof(ushort);
        var mismatches = new List<string>();
        foreach (string line in Lines(setting))
        {
            int[] ids = Settings[setting].IsContinuation ? tokenizer.EncodeContinuation(line) : tokenizer.EncodeStart(line);
            if (Checksum(ids) != BinaryPrimitives.ReadUInt16LittleEndian(_checksums.AsSpan(offset)))
                mismatches.Add(line);
            offset += sizeof(ushort);
        }

        return mismatches;
    }

    /// <summary>The recorded lines of code in ASCII, twenty at a time.</summary>
    public IEnumerable<string> CodeFiles() =>
        _lines[^CodeLines..].Where(line => line.All(char.IsAscii)).Chunk(20).Select(lines => string.Join('\n', lines));

    private IEnumerable<string> Lines(int setting) => _lines.Where((_, i) => setting < AllLines || i < _corners || i % Every == 0);

    /// <summary>FNV-1a over the ids, folded to 16 bits.</summary>
    public static ushort Checksum(int[] ids)
    {
        uint value = 2166136261;
        foreach (int id in ids)
            value = unchecked((value ^ (uint)id) * 16777619);
        return (ushort)((value >> 16) ^ (value & 0xFFFF));
    }

    /// <summary>Reads a file packed with gzip.</summary>
    public static byte[] Unpack(string path)
    {
        using var packed = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        packed.CopyTo(bytes);
        return bytes.ToArray();
    }
}
