using System.Security.Cryptography;
using System.Text.Json;

namespace AsArm.Inference;

/// <summary>A folder written by tools/export, checked: format, fields, files and their hashes.</summary>
public sealed class ModelFolder
{
    private const string OnnxFile = "model.onnx";
    private const string CachedOnnxFile = "model_cached.onnx";
    private const string WeightsFile = OnnxFile + "_data";
    private const string ManifestFile = "asarm.json";
    private const string TokenizerFile = "spiece.model";
    private const string GoldenFile = "golden.safetensors";
    private const string NgramsFile = "ngrams.bin";
    private const int LongestSequence = 1_000_000; // so that sizes of buffers stay within reason

    private ModelFolder(string path, ModelManifest manifest)
    {
        FullPath = path;
        Manifest = manifest;
    }

    /// <summary>Absolute path of the folder.</summary>
    public string FullPath { get; }

    /// <summary>The folder's own name.</summary>
    public string Name => Path.GetFileName(Path.TrimEndingDirectorySeparator(FullPath));

    /// <summary>asarm.json.</summary>
    public ModelManifest Manifest { get; }

    /// <summary>The stateless graph.</summary>
    public string OnnxPath => Path.Combine(FullPath, OnnxFile);

    /// <summary>The graph with the key/value cache; null for a folder without it.</summary>
    public string? CachedOnnxPath => Optional(CachedOnnxFile);

    /// <summary>The SentencePiece model; null for a folder without a tokenizer, which takes token-level calls only.</summary>
    public string? TokenizerPath => Optional(TokenizerFile);

    /// <summary>The recorded inputs and outputs; null where the folder holds none.</summary>
    public string? GoldenPath => Optional(GoldenFile);

    /// <summary>Corpus n-grams from which <see cref="SamplerKind.Fused" /> drafts; null where the folder holds none.</summary>
    public string? NgramsPath => Optional(NgramsFile);

    /// <summary>Opens a folder and checks all of its files.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="ModelFolderException">Names the file and what is wrong with it.</exception>
    public static ModelFolder Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = Path.GetFullPath(path);
        if (!Directory.Exists(full))
            throw new ModelFolderException($"There is no model folder {path}.");
        var folder = new ModelFolder(full, ReadManifest(full));
        foreach (string name in new[] { OnnxFile, "config.json" })
        {
            if (!folder.Manifest.Files.ContainsKey(name))
                throw new ModelFolderException($"{ManifestFile} in {path} does not list {name}.");
        }

        foreach ((string name, ModelManifest.FileEntry entry) in folder.Manifest.Files)
            CheckFile(full, name, entry);

        foreach (string name in new[] { TokenizerFile, GoldenFile, CachedOnnxFile, WeightsFile, NgramsFile })
        {
            if (!folder.Manifest.Files.ContainsKey(name) && File.Exists(Path.Combine(full, name)))
                throw new ModelFolderException($"{path} holds {name}, which {ManifestFile} does not list: not checked, not used.");
        }

        return folder;
    }

    private static ModelManifest ReadManifest(string folder)
    {
        byte[] json = ReadFile(folder, ManifestFile);
        int format;
        ModelManifest manifest;
        try
        {
            // The version is read first: a newer format may lack the fields that this one requires.
            using JsonDocument document = JsonDocument.Parse(json);
            if (!document.RootElement.TryGetProperty("format_version", out JsonElement version)
                || version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out format))
                throw new ModelFolderException($"{ManifestFile} has no format_version that is a whole number.");
            if (format > ModelManifest.SupportedFormat)
                throw new ModelFolderException($"{ManifestFile} has format {format}, this version reads up to {ModelManifest.SupportedFormat}: update AsArm.");
            manifest = ModelManifest.Parse(json);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new ModelFolderException($"{ManifestFile} is no valid model description: {error.Message.ReplaceLineEndings(" ")}", error);
        }

        RequireFields(manifest, format);
        RequireTextFormat(manifest);
        return manifest;
    }

    /// <summary>A format that allowed these fields in old folders would leave older versions of AsArm to ignore them, with other tokens.</summary>
    private static void RequireTextFormat(ModelManifest manifest)
    {
        string? field = manifest.TextRules is not null ? "text_rules" : manifest.TextEncoding is not null ? "text_encoding" : null;
        if (field is not null && manifest.FormatVersion < ModelManifest.TextFormat)
            throw new ModelFolderException($"{ManifestFile} has format {manifest.FormatVersion} and {field}, which is of format {ModelManifest.TextFormat}: export the model again.");
    }

    private static void RequireFields(ModelManifest manifest, int format)
    {
        int vocabulary = manifest.VocabularySize;
        bool IsToken(int id) => (uint)id < (uint)vocabulary;
        string? wrong =
            format < 1 ? "format_version" :
            vocabulary < 2 ? "vocabulary_size" :
            manifest.MaximumLength is < 1 or > LongestSequence ? "maximum_length" :
            manifest.Layers < 1 ? "layers" :
            manifest.Heads < 1 ? "heads" :
            manifest.ModelDimension < 1 || manifest.ModelDimension % manifest.Heads != 0 ? "model_dimension" :
            !IsToken(manifest.MaskId) ? "mask_id" :
            !IsToken(manifest.SeparatorId) ? "separator_id" :
            manifest.Precision is null ? "precision" :
            manifest.Block < 1 ? "block" :
            manifest.SpecialIds is null || !manifest.SpecialIds.All(IsToken) ? "special_ids" :
            manifest.TextEncoding is not (null or ModelManifest.CodeEncoding) ? "text_encoding" :
            manifest.TextRules?.Misfit() is string rule ? $"text_rules.{rule}" :
            manifest.TextEncoding is not null && manifest.TextRules is { IsFast: true } ? "text_rules.backend, with text_encoding," :
            manifest.Files is null || manifest.Files.Values.Any(entry => entry?.Sha256 is null) ? "files" :
            null;
        if (wrong is not null)
            throw new ModelFolderException($"{ManifestFile}: {wrong} is out of range.");
    }

    private static void CheckFile(string folder, string name, ModelManifest.FileEntry entry)
    {
        if (name.AsSpan().ContainsAny(Path.GetInvalidFileNameChars()))
            throw new ModelFolderException($"{ManifestFile} lists {name}, which is no plain file name.");
        string path = Path.Combine(folder, name);
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
            if (stream.Length != entry.Bytes)
                throw new ModelFolderException($"{path} has {stream.Length} bytes, {ManifestFile} says {entry.Bytes}: truncated or changed.");
            if (!Convert.ToHexString(SHA256.HashData(stream)).Equals(entry.Sha256, StringComparison.OrdinalIgnoreCase))
                throw new ModelFolderException($"{path} has another SHA-256 than {ManifestFile} says: damaged or changed.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelFolderException($"{path} is missing or cannot be read.", error);
        }
    }

    private static byte[] ReadFile(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelFolderException($"{path} is missing or cannot be read.", error);
        }
    }

    private string? Optional(string name) => Manifest.Files.ContainsKey(name) ? Path.Combine(FullPath, name) : null;
}
