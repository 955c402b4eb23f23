using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;
using AsArm.Inference.Tokenization;
using Google.Protobuf;

namespace AsArm.Inference.Tests.Tokenization;

/// <summary>The committed tokenizers.</summary>
internal static class Tokenizers
{
    private const int NormalizerField = 3, CharacterMapField = 2, DummyPrefixField = 3;

    private static readonly Lazy<string> s_xlnet = new(JoinXlnet);

    /// <summary>The tokenizer of the default model, 4,096 pieces.</summary>
    public static InfillTokenizer Stories { get; } = Open(Files.Golden("tokenizer/spiece.model"), null);

    /// <summary>The same 4,096 pieces with add_dummy_prefix off: the first word of a text has no space mark.</summary>
    public static InfillTokenizer WithoutDummyPrefix { get; } = OpenWithoutDummyPrefix();

    /// <summary>A multilingual tokenizer with XLNet's special tokens, 2,200 pieces.</summary>
    public static InfillTokenizer Xlnet(TextRules? rules, string? encoding = null) => Open(s_xlnet.Value, rules, encoding);

    /// <summary>A constructed tokenizer in which rounding, ties and every setting matter.</summary>
    public static InfillTokenizer Odd(TextRules? rules) => Open(Files.Golden("tokenizer/odd.model"), rules);

    public static InfillTokenizer Open(string path, TextRules? rules, string? encoding = null) => InfillTokenizer.Open(
        path, ModelFolder.Open(Files.Default).Manifest with { TextRules = rules, TextEncoding = encoding });

    /// <summary>
    /// The file is stored without its character map, which is that of the other tokenizer. It is appended here, as concatenated protobuf messages are one message.
    /// </summary>
    private static string JoinXlnet()
    {
        byte[] map = SentencePieceModel.Parse(File.ReadAllBytes(Files.Golden("tokenizer/spiece.model"))).CharacterMap;
        byte[] normalizer = Message(CharacterMapField, map);
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        File.WriteAllBytes(path, [.. File.ReadAllBytes(Files.Golden("tokenizer/xlnet.model")), .. Message(NormalizerField, normalizer)]);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(path);
        return path;
    }

    private static InfillTokenizer OpenWithoutDummyPrefix()
    {
        using var folder = new TemporaryFolder();
        byte[] off = [DummyPrefixField << 3, 0];
        File.WriteAllBytes(folder.In("spiece.model"), [.. File.ReadAllBytes(Files.Golden("tokenizer/spiece.model")), .. Message(NormalizerField, off)]);
        return Open(folder.In("spiece.model"), null);
    }

    private static byte[] Message(int field, byte[] content)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(content));
        }

        return stream.ToArray();
    }
}
