using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace AsArm.Inference.ModelFolders;

/// <summary>Reads and validates asarm.json. Error messages use the file's field names, not names of .NET.</summary>
internal static class ManifestReader
{
    private const string File = ModelFolder.ManifestFile;

    /// <summary>Reads and checks the file.</summary>
    /// <exception cref="ModelFolderException">The file is missing, not JSON or of a newer format, or a field is missing, of a wrong type or out of range.</exception>
    public static ModelManifest Read(string path)
    {
        byte[] json = RegularFile.Read(path, ModelLimits.ManifestBytes);
        if (json.Length == 0)
            throw new ModelFolderException($"{path} is empty, or not a regular file.");
        return ReadBytes(json);
    }

    /// <summary>Checks the content of the file.</summary>
    /// <inheritdoc cref="Read" />
    public static ModelManifest ReadBytes(byte[] json)
    {
        ModelManifest manifest = Parse(json);
        RequireFields(manifest);
        RequireProducts(manifest);
        RequireTextFormat(manifest);
        return manifest;
    }

    private static ModelManifest Parse(byte[] json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw new ModelFolderException($"{File} is not a valid model description: it is not a JSON object.");
            RequireFormat(root);
            RequireProperties(root, ManifestContext.Default.ModelManifest);
            if (root.TryGetProperty("text_rules", out JsonElement rules) && rules.ValueKind == JsonValueKind.Object)
                RequireKnown(rules, ManifestContext.Default.TextRules);
            return JsonSerializer.Deserialize(json, ManifestContext.Default.ModelManifest)!;
        }
        catch (JsonException error)
        {
            throw new ModelFolderException($"{File} is not a valid model description: {Describe(error)}.", error);
        }
        catch (InvalidOperationException error)
        {
            throw new ModelFolderException($"{File} is not a valid model description: it is not UTF-8.", error);
        }
    }

    /// <summary>Checked first: a newer format may lack fields that this one requires.</summary>
    private static void RequireFormat(JsonElement root)
    {
        if (!root.TryGetProperty("format_version", out JsonElement version)
            || version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out int format))
            throw new ModelFolderException($"{File} has no integer format_version.");
        if (format > ModelManifest.SupportedFormat)
            throw new ModelFolderException($"{File} has format {format}, this version reads up to {ModelManifest.SupportedFormat}: update AsArm.");
    }

    private static void RequireProperties(JsonElement root, JsonTypeInfo type)
    {
        if (type.Properties.FirstOrDefault(property => property.IsRequired && !root.TryGetProperty(property.Name, out _)) is JsonPropertyInfo missing)
            throw new ModelFolderException($"{File} is not a valid model description: it has no {missing.Name}.");
    }

    private static void RequireKnown(JsonElement rules, JsonTypeInfo type)
    {
        foreach (JsonProperty rule in rules.EnumerateObject().Where(rule => type.Properties.All(known => known.Name != rule.Name)))
            throw new ModelFolderException($"{File} has a field in text_rules that this version does not know: {rule.Name}.");
    }

    /// <summary>For valid JSON the message of the library names .NET types, so only the path is used.</summary>
    private static string Describe(JsonException error) =>
        error.Path is string path && path.StartsWith("$.", StringComparison.Ordinal)
            ? $"{path[2..]} is of a wrong type, out of range, incomplete, or repeated"
            : $"line {error.LineNumber + 1 ?? 1} is not JSON, or repeats a field";

    /// <summary>Older versions of AsArm accept format 1 and would ignore these fields, which would give other tokens.</summary>
    private static void RequireTextFormat(ModelManifest manifest)
    {
        string? field = manifest.TextRules is not null ? "text_rules" : manifest.TextEncoding is not null ? "text_encoding" : null;
        if (field is not null && manifest.FormatVersion < ModelManifest.TextFormat)
            throw new ModelFolderException($"{File} has format {manifest.FormatVersion} and {field}, which needs format {ModelManifest.TextFormat}: export the model again.");
    }

    private static void RequireFields(ModelManifest manifest)
    {
        int vocabulary = manifest.VocabularySize;
        bool IsToken(int id) => (uint)id < (uint)vocabulary;
        string? invalid =
            manifest.FormatVersion < 1 ? "format_version" :
            vocabulary is < 2 or > ModelLimits.Vocabulary ? "vocabulary_size" :
            manifest.MaxLength is < 1 or > ModelLimits.Length ? "maximum_length" :
            manifest.Layers is < 1 or > ModelLimits.Layers ? "layers" :
            manifest.ModelDimension is < 1 or > ModelLimits.Dimension ? "model_dimension" :
            manifest.Heads is < 1 or > ModelLimits.Dimension ? "heads" :
            manifest.ModelDimension % manifest.Heads != 0 ? "model_dimension" :
            !IsToken(manifest.MaskId) ? "mask_id" :
            !IsToken(manifest.SeparatorId) ? "separator_id" :
            !ModelManifest.Precisions.Contains(manifest.Precision) ? "precision" :
            manifest.GroupSize is < 1 or > ModelLimits.Dimension ? "block" :
            manifest.SpecialIds is null || !manifest.SpecialIds.All(IsToken) ? "special_ids" :
            manifest.GapEndId is int end && !manifest.SpecialIds.Contains(end) ? "gap_end_id" :
            manifest.Tokenizer is not (null or ModelManifest.ByteLevelBpe) ? "tokenizer" :
            manifest.TextEncoding is not (null or ModelManifest.CodeEncoding) ? "text_encoding" :
            manifest.IsByteLevel && manifest.TextEncoding is not null ? "text_encoding, with this tokenizer," :
            manifest.IsByteLevel && manifest.TextRules is not null ? "text_rules, with this tokenizer," :
            manifest.TextRules?.FirstInvalidField() is string rule ? $"text_rules.{rule}" :
            manifest.TextEncoding is not null && manifest.TextRules is { IsFast: true } ? "text_rules.backend, with text_encoding," :
            manifest.Drafting?.FirstInvalidField() is string figure ? $"drafting.{figure}" :
            manifest.Files is null or { Count: > ModelLimits.Files } || manifest.Files.Values.Any(entry => entry?.Sha256 is null) ? "files" :
            null;
        if (invalid is not null)
            throw new ModelFolderException($"{File}: {invalid} is out of range.");
    }

    /// <summary>Limits on products: fields that are each within range may require too much memory together.</summary>
    private static void RequireProducts(ModelManifest manifest)
    {
        long length = manifest.MaxLength;
        if (length * manifest.VocabularySize > ModelLimits.Logits)
            throw new ModelFolderException($"{File}: maximum_length times vocabulary_size is more than {ModelLimits.Logits}.");
        if (manifest.CacheBytesPerToken * length > ModelLimits.SequenceBytes)
            throw new ModelFolderException($"{File}: maximum_length, layers and model_dimension require more than {ModelLimits.SequenceBytes >> 30} GiB per sequence.");
    }
}
