using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace AsArm.Hostile;

/// <summary>Reads and writes asarm.json of a folder.</summary>
internal static class Manifest
{
    public const string Name = "asarm.json";

    public static JsonObject Read(string folder) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, Name)))!.AsObject();

    public static void Write(string folder, JsonNode manifest) => File.WriteAllText(Path.Combine(folder, Name), manifest.ToJsonString());

    /// <summary>Updates sizes and hashes of all listed regular files, so that damage is not detected by the hashes.</summary>
    public static void Refresh(string folder)
    {
        JsonObject manifest = Read(folder);
        if (manifest["files"] is not JsonObject files)
            return;
        foreach (string name in files.Select(entry => entry.Key).ToArray())
        {
            string path = Path.Combine(folder, name);
            if (File.Exists(path) && new FileInfo(path) is { LinkTarget: null, Length: > 0 and < 1 << 24 } && files[name] is JsonObject entry)
                (entry["sha256"], entry["bytes"]) = (Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))), new FileInfo(path).Length);
            else if (File.Exists(path) && files[name] is JsonObject other)
                (other["sha256"], other["bytes"]) = (Convert.ToHexStringLower(SHA256.HashData([])), 0);
        }

        Write(folder, manifest);
    }
}
