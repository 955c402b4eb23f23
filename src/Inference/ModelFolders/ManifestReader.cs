using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace AsArm.Inference.ModelFolders;

/// <summary>Reads asarm.json; whatever is wrong with it is said in the file's own words.</summary>
internal static class ManifestReader
{
    private const string File = ModelFolder.ManifestFile;

    /// <summary>Reads and checks the file.</summary>
    /// <exception cref="ModelFolderException">Missing, no JSON, of a newer format, or a field is missing, of a wrong type or out of range.</exception>
    public static ModelManifest Read(string path)
    {
        byte[] json = RegularFile.Read(path, ModelLimits.ManifestBytes);
        if (json.Length == 0)
            throw new ModelFolderException($"{path} is empty, or no regular file.");
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
                throw new ModelFolderException($"{File} is no valid model description: it holds no JSON object.");
            RequireFormat(root);
            RequireProperties(root, ManifestContext.Default.ModelManifest);
            if (root.TryGetProperty("text_rules", out JsonElement rules) && rules.ValueKind == JsonValueKind.Object)
                RequireKnown(rules, ManifestContext.Default.TextRules);
            return JsonSerializer.Deserialize(json, ManifestContext.Default.ModelManifest)!;
        }
        catch (JsonException error)
        {
            throw new ModelFolderException($"{File} is no valid model description: {Describe(error)}.", error);
        }
        catch (InvalidOperationException error)
        {
            throw new ModelFolderException($"{File} is no valid model description: it is not UTF-8.", error);
        }
    }

    /// <summary>Before all else: a newer format may lack the fields that this one requires.</summary>
    private static void RequireFormat(JsonElement root)
    {
        if (!root.TryGetProperty("format_version", out JsonElement version)
            || version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out int format))
            throw new ModelFolderException($"{File} has no format_version that is a integer.");
        if (format > ModelManifest.SupportedFormat)
            throw new ModelFolderException($"{File} has format {format}, this version reads up to {ModelManifest.SupportedFormat}: update AsArm.");
    }

    private static void RequireProperties(JsonElement root, JsonTypeInfo type)
    {
        if (type.Properties.FirstOrDefault(property => property.IsRequired && !root.TryGetProperty(property.Name, out _)) is JsonPropertyInfo missing)
            throw new ModelFolderException($"{File} is no valid model description: it has no {missing.Name}.");
    }

    private static void RequireKnown(JsonElement rules, JsonTypeInfo type)
    {
        foreach (JsonProperty rule in rules.EnumerateObject().Where(rule => type.Properties.All(known => known.Name != rule.Name)))
            throw new ModelFolderException($"{File} has a rule in text_rules that this version does not know: {rule.Name}.");
    }

    /// <summary>Where the text is JSON, the message of the library speaks of types of .NET: the place says enough.</summary>
    private static string Describe(JsonException error) =>
        error.Path is string place && place.StartsWith("$.", StringComparison.Ordinal)
            ? $"{place[2..]} is of a wrong type, out of range, incomplete, or there twice"
            : $"line {error.LineNumber + 1 ?? 1} is no JSON, or names a field twice";

    /// <summary>A format that allowed these fields in old folders would leave older versions of AsArm to ignore them, with other tokens.</summary>
    private static void RequireTextFormat(ModelManifest manifest)
    {
        string? field = manifest.TextRules is not null ? "text_rules" : manifest.TextEncoding is not null ? "text_encoding" : null;
        if (field is not null && manifest.FormatVersion < ModelManifest.TextFormat)
            throw new ModelFolderException($"{File} has format {manifest.FormatVersion} and {field}, which is of format {ModelManifest.TextFormat}: export the model again.");
    }

    private static void RequireFields(ModelManifest manifest)
    {
        int vocabulary = manifest.VocabularySize;
        bool IsToken(int id) => (uint)id < (uint)vocabulary;
        string? wrong =
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
            manifest.Block is < 1 or > ModelLimits.Dimension ? "block" :
            manifest.SpecialIds is null || !manifest.SpecialIds.All(IsToken) ? "special_ids" :
            manifest.TextEncoding is not (null or ModelManifest.CodeEncoding) ? "text_encoding" :
            manifest.TextRules?.FirstInvalidField() is string rule ? $"text_rules.{rule}" :
            manifest.TextEncoding is not null && manifest.TextRules is { IsFast: true } ? "text_rules.backend, with text_encoding," :
            manifest.Drafting?.FirstInvalidField() is string figure ? $"drafting.{figure}" :
            manifest.Files is null or { Count: > ModelLimits.Files } || manifest.Files.Values.Any(entry => entry?.Sha256 is null) ? "files" :
            null;
        if (wrong is not null)
            throw new ModelFolderException($"{File}: {wrong} is out of range.");
    }

    /// <summary>Numbers that are within their ranges may still ask for too much together.</summary>
    private static void RequireProducts(ModelManifest manifest)
    {
        long length = manifest.MaxLength;
        if (length * manifest.VocabularySize > ModelLimits.Logits)
            throw new ModelFolderException($"{File}: maximum_length times vocabulary_size is more than {ModelLimits.Logits}.");
        if (manifest.CacheBytesPerToken * length > ModelLimits.SequenceBytes)
            throw new ModelFolderException($"{File}: maximum_length, layers and model_dimension ask for more than {ModelLimits.SequenceBytes >> 30} GiB a sequence.");
    }
}
