using System.Text.Json.Serialization;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.ModelFolders;

/// <summary>asarm.json: what the runtime needs to know of a model. docs/model-format.md describes each field.</summary>
public sealed record ModelManifest
{
    /// <summary>The newest format that this version reads.</summary>
    public const int SupportedFormat = 2;

    /// <summary>The first format with <see cref="TextRules" /> and <see cref="TextEncoding" />, which readers of earlier ones ignore.</summary>
    public const int TextFormat = 2;

    /// <summary>What <see cref="Precision" /> may be.</summary>
    public static IReadOnlyList<string> Precisions { get; } = ["float32", "float16-weights", "float16", "int8", "int4"];

    /// <summary>The paper's convention for code: line feeds, tabs and pairs of spaces are tokens of their own.</summary>
    public const string CodeEncoding = "asarm-code";

    /// <summary>Version of the folder's format.</summary>
    public required int FormatVersion { get; init; }

    /// <summary>The longest sequence, in tokens.</summary>
    [JsonPropertyName("maximum_length")]
    public required int MaxLength { get; init; }

    /// <summary>V.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Transformer layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Attention heads of a layer.</summary>
    public required int Heads { get; init; }

    /// <summary>Width of a hidden state.</summary>
    public required int ModelDimension { get; init; }

    /// <summary>Width of one head's keys and values.</summary>
    [JsonIgnore]
    public int HeadSize => ModelDimension / Heads;

    /// <summary>
    /// How weights are stored and the graph computes: float32; float16-weights, stored in half the space and computed in float32; float16; int8
    /// and int4, products in integers.
    /// </summary>
    public required string Precision { get; init; }

    /// <summary>Weights of int4 that share a multiplier; null for other precisions.</summary>
    public int? Block { get; init; }

    /// <summary>Whether weights are integers. So are activations on CPUs, the only devices for which ONNX Runtime has such kernels.</summary>
    [JsonIgnore]
    public bool IsInteger => Precision is "int8" or "int4";

    /// <summary>Whether the graphs compute other distributions than a float32 network: they must say their precision themselves.</summary>
    [JsonIgnore]
    internal bool IsRounded => IsInteger || Precision is "float16";

    /// <summary>How far a logit may be from the recorded one where the network computes in float32; null for other precisions, which
    /// <see cref="DivergenceLimits" /> judge.</summary>
    [JsonIgnore]
    public double? Tolerance => IsRounded ? null : 1e-4;

    /// <summary>How far the distributions may be from the recorded ones in a rounded precision; null for float32.</summary>
    [JsonIgnore]
    public DivergenceLimits? DivergenceLimits => Precision switch
    {
        "float16" => new(1e-4, 1e-3, 0.02, 1e-4),
        "int8" => new(0.02, 0.2, 0.25, 0.005),
        "int4" => new(0.12, 1, 0.6, 0.06),
        _ => null,
    };

    /// <summary>The token of undecided positions; never generated.</summary>
    public required int MaskId { get; init; }

    /// <summary>The token that ends a document; put before a text that begins with a gap.</summary>
    public required int SeparatorId { get; init; }

    /// <summary>Tokens that stand for no text; never generated.</summary>
    public required IReadOnlyList<int> SpecialIds { get; init; }

    /// <summary>What happens to text before SentencePiece sees it; null for nothing.</summary>
    public TextRules? TextRules { get; init; }

    /// <summary>How white space becomes tokens: null as SentencePiece has it, or <see cref="CodeEncoding" />.</summary>
    public string? TextEncoding { get; init; }

    /// <summary>Measured figures to plan drafts by; null where nobody measured them.</summary>
    public DraftingFigures? Drafting { get; init; }

    /// <summary>Bytes of the keys and values of one token.</summary>
    [JsonIgnore]
    internal long CacheBytesPerToken => 2L * Layers * ModelDimension * sizeof(float);

    /// <summary>The network and its weights, by their hashes; the same wherever the folder lies.</summary>
    [JsonIgnore]
    internal string Identity => string.Join(' ', new[] { ModelFolder.OnnxFile, ModelFolder.WeightsFile }.Select(name => Files.GetValueOrDefault(name)?.Sha256));

    /// <summary>Name, hash and size of every file of the folder.</summary>
    public required IReadOnlyDictionary<string, FileEntry> Files { get; init; }

    /// <summary>What the folder was made of; null where it does not say.</summary>
    public SourceEntry? Source { get; init; }

    /// <summary>A file of the folder.</summary>
    /// <param name="Sha256">Hexadecimal.</param>
    /// <param name="Bytes">Length.</param>
    public sealed record FileEntry([property: JsonRequired] string Sha256, [property: JsonRequired] long Bytes);

    /// <summary>What a folder was made of.</summary>
    /// <param name="CheckpointSha256">Over config.json and the weights; hexadecimal, null where it is not told.</param>
    public sealed record SourceEntry(string? CheckpointSha256);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ModelManifest))]
internal sealed partial class ManifestContext : JsonSerializerContext;
