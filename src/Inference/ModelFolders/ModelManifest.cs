using System.Text.Json.Serialization;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.ModelFolders;

/// <summary>The content of asarm.json, the description of a model. docs/model-format.md describes each field.</summary>
public sealed record ModelManifest
{
    /// <summary>The newest format that this version reads.</summary>
    public const int SupportedFormat = 3;

    /// <summary>The first format with <see cref="TextRules" /> and <see cref="TextEncoding" />, which readers of format 1 ignore.</summary>
    public const int TextFormat = 2;

    /// <summary>The first format whose graph with a cache updates keys and values in place.</summary>
    internal const int InPlaceFormat = 3;

    /// <summary>The valid values of <see cref="Precision" />.</summary>
    public static IReadOnlyList<string> Precisions { get; } = ["float32", "float16-weights", "float16", "int8", "int4"];

    /// <summary>The value of <see cref="TextEncoding" /> for the paper's encoding of code: line feeds, tabs and pairs of spaces are tokens of their own.</summary>
    public const string CodeEncoding = "asarm-code";

    /// <summary>The value of <see cref="Tokenizer" /> for a byte-level BPE, of the files vocab.json and merges.txt.</summary>
    public const string ByteLevelBpe = "byte-level-bpe";

    /// <summary>Version of the folder's format.</summary>
    public required int FormatVersion { get; init; }

    /// <summary>The longest sequence, in tokens.</summary>
    [JsonPropertyName("maximum_length")]
    public required int MaxLength { get; init; }

    /// <summary>V, the number of tokens of the vocabulary.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Number of transformer layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Number of attention heads per layer.</summary>
    public required int Heads { get; init; }

    /// <summary>Width of a hidden state.</summary>
    public required int ModelDimension { get; init; }

    /// <summary>Width of one head's keys and values.</summary>
    [JsonIgnore]
    public int HeadSize => ModelDimension / Heads;

    /// <summary>
    /// How weights are stored and products are computed: float32; float16-weights (stored as float16, computed in float32); float16; int8
    /// and int4 (stored as integers, with integer arithmetic on CPUs).
    /// </summary>
    public required string Precision { get; init; }

    /// <summary>Number of neighbouring int4 weights that share a scale; null for other precisions.</summary>
    [JsonPropertyName("block")]
    public int? GroupSize { get; init; }

    /// <summary>Whether weights are integers. On CPUs activations are quantised too; ONNX Runtime has no such kernels for other devices.</summary>
    [JsonIgnore]
    public bool IsInteger => Precision is "int8" or "int4";

    /// <summary>Whether the precision changes the distributions noticeably. Such graphs must name their precision in their metadata.</summary>
    [JsonIgnore]
    internal bool IsRounded => IsInteger || Precision is "float16";

    /// <summary>Largest difference of a logit from the recorded one that is allowed for float32 computation; null for other precisions, which have
    /// <see cref="DivergenceLimits" />.</summary>
    [JsonIgnore]
    public double? Tolerance => IsRounded ? null : 1e-4;

    /// <summary>Limits of the divergence from the recorded distributions for float16, int8 and int4; null for float32 computation.</summary>
    [JsonIgnore]
    internal DivergenceLimits? DivergenceLimits => Precision switch
    {
        "float16" => new(1e-4, 1e-3, 0.02, 1e-4),
        "int8" => new(0.02, 0.2, 0.25, 0.005),
        "int4" => new(0.12, 1, 0.6, 0.06),
        _ => null,
    };

    /// <summary>The mask token, which stands at positions without a token; never generated.</summary>
    public required int MaskId { get; init; }

    /// <summary>The token that ends a document; also put before a text that begins with a gap or a marked span.</summary>
    public required int SeparatorId { get; init; }

    /// <summary>Special tokens; never generated.</summary>
    public required IReadOnlyList<int> SpecialIds { get; init; }

    /// <summary>
    /// The token that ends the text of an open gap, a gap with more positions than tokens; null for a network that was not trained with open gaps.
    /// </summary>
    public int? GapEndId { get; init; }

    /// <summary>The kind of the tokenizer: null for SentencePiece unigram (spiece.model), or <see cref="ByteLevelBpe" />.</summary>
    public string? Tokenizer { get; init; }

    [JsonIgnore]
    internal bool IsByteLevel => Tokenizer == ByteLevelBpe;

    /// <summary>Normalisation and pre-tokenisation settings; null for those of the SentencePiece model alone.</summary>
    public TextRules? TextRules { get; init; }

    /// <summary>How white space is encoded: null for SentencePiece's own way, or <see cref="CodeEncoding" />.</summary>
    public string? TextEncoding { get; init; }

    /// <summary>Measurements for the draft policy; null where none were made.</summary>
    [JsonInclude]
    internal DraftingFigures? Drafting { get; init; }

    /// <summary>Whether the graph with a cache updates keys and values in place; before <see cref="InPlaceFormat" /> it returns new ones.</summary>
    [JsonIgnore]
    internal bool UpdatesCacheInPlace => FormatVersion >= InPlaceFormat;

    /// <summary>Size of an element of the cache, in bytes: keys and values are float16 in graphs that compute in float16, float32 in all others. Those of
    /// earlier formats are always float32.</summary>
    [JsonIgnore]
    internal int CacheElementBytes => UpdatesCacheInPlace && Precision == "float16" ? 2 : sizeof(float);

    /// <summary>Size of the keys and values of one token, in bytes.</summary>
    [JsonIgnore]
    internal long CacheBytesPerToken => 2L * Layers * ModelDimension * CacheElementBytes;

    /// <summary>Whether the folder has a draft head that its graph can serve.</summary>
    [JsonIgnore]
    internal bool HasDraftHead => UpdatesCacheInPlace && Files.ContainsKey(ModelFolder.DraftHeadFile);

    /// <summary>The hashes of the network and its weights, which identify a model independently of its path.</summary>
    [JsonIgnore]
    internal string Identity => string.Join(' ', new[] { ModelFolder.OnnxFile, ModelFolder.WeightsFile }.Select(name => Files.GetValueOrDefault(name)?.Sha256));

    /// <summary>Name, hash and size of every file of the folder.</summary>
    public required IReadOnlyDictionary<string, FileEntry> Files { get; init; }

    /// <summary>The source of the folder; null if it is not recorded.</summary>
    public SourceEntry? Source { get; init; }

    /// <summary>The entry of one file.</summary>
    /// <param name="Sha256">SHA-256, hexadecimal.</param>
    /// <param name="Bytes">Size in bytes.</param>
    public sealed record FileEntry([property: JsonRequired] string Sha256, [property: JsonRequired] long Bytes);

    /// <summary>The source of a folder.</summary>
    /// <param name="CheckpointSha256">SHA-256 over config.json and the weights of the checkpoint, hexadecimal; null if it is not recorded.</param>
    public sealed record SourceEntry(string? CheckpointSha256);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ModelManifest))]
internal sealed partial class ManifestContext : JsonSerializerContext;
