using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>A graph of a folder, its bytes checked: the file of weights that it names is the folder's, and no other file is opened for it.</summary>
/// <param name="Path">The ONNX file.</param>
/// <param name="Bytes">What ONNX Runtime is to load.</param>
/// <param name="WeightsFolder">Where ONNX Runtime finds the file of weights; null for a graph that holds all of its weights.</param>
internal sealed record GraphFile(string Path, byte[] Bytes, string? WeightsFolder)
{
    /// <summary>Reads a graph. ONNX Runtime takes weights from the graph's own folder only, links followed, so it is told where they really are.</summary>
    /// <exception cref="ModelFolderException">Damaged, or it wants other files than the folder's weights.</exception>
    public static GraphFile Read(ModelFolder folder, string path)
    {
        byte[] bytes = folder.Read(System.IO.Path.GetFileName(path));
        try
        {
            if (!OnnxWeights.Check(bytes, ModelFolder.WeightsFile, folder.Manifest.Files.GetValueOrDefault(ModelFolder.WeightsFile)?.Bytes ?? -1))
                return new(path, bytes, null);
        }
        catch (InvalidDataException error)
        {
            throw new ModelFolderException($"{path} is no model that ONNX Runtime can load: {error.Message}.", error);
        }

        string weights = RegularFile.RealPath(System.IO.Path.Combine(folder.FullPath, ModelFolder.WeightsFile));
        string name = System.IO.Path.GetFileName(weights);
        return new(path, name == ModelFolder.WeightsFile ? bytes : OnnxWeights.Rename(bytes, name), System.IO.Path.GetDirectoryName(weights));
    }
}
