using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Providers;

/// <summary>
/// Reads which execution provider runs which node of a session. The C# API of ONNX Runtime 1.31 has no method for it, so this calls the functions of the C API by their
/// places in its table (OrtApi in onnxruntime_c_api.h), which never change: new functions are appended.
/// </summary>
internal static unsafe partial class AssignmentReader
{
    /// <summary>The entry of the session's configuration that makes ONNX Runtime record it.</summary>
    public const string SessionEntry = "session.record_ep_graph_assignment_info";

    private const uint ApiVersion = 24; // the first with these functions
    private const int GetErrorMessage = 2, ReleaseStatus = 93, GetSubgraphs = 407, GetProvider = 408, GetNodes = 409, GetName = 410, GetOperator = 412;

    /// <summary>The nodes of a session after basic optimisations, of all providers. Those that a provider fused into one are named one by one.</summary>
    /// <param name="session">A session that was opened with <see cref="SessionEntry" /> 1.</param>
    /// <exception cref="NotSupportedException">ONNX Runtime is older than 1.24, or recorded nothing.</exception>
    public static IReadOnlyList<AssignedNode> Read(InferenceSession session)
    {
        void** api = ((delegate* unmanaged<uint, void**>)OrtGetApiBase()[0])(ApiVersion);
        if (api is null)
            throw new NotSupportedException("ONNX Runtime is older than 1.24");
        var nodes = new List<AssignedNode>();
        foreach (nint subgraph in List(api, GetSubgraphs, HandleOf(session)))
        {
            string provider = Text(api, GetProvider, subgraph);
            foreach (nint node in List(api, GetNodes, subgraph))
                nodes.Add(new(Text(api, GetName, node), Text(api, GetOperator, node), provider));
        }

        GC.KeepAlive(session);
        return nodes;
    }

    [LibraryImport("onnxruntime")]
    private static partial void** OrtGetApiBase();

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Handle")]
    private static extern nint HandleOf(InferenceSession session);

    private static nint[] List(void** api, int function, nint owner)
    {
        nint* items;
        nuint count;
        Check(api, ((delegate* unmanaged<nint, nint**, nuint*, nint>)api[function])(owner, &items, &count));
        return new ReadOnlySpan<nint>(items, checked((int)count)).ToArray();
    }

    private static string Text(void** api, int function, nint owner)
    {
        nint text;
        Check(api, ((delegate* unmanaged<nint, nint*, nint>)api[function])(owner, &text));
        return Marshal.PtrToStringUTF8(text) ?? "";
    }

    private static void Check(void** api, nint status)
    {
        if (status == 0)
            return;
        string message = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint, nint>)api[GetErrorMessage])(status)) ?? "";
        ((delegate* unmanaged<nint, void>)api[ReleaseStatus])(status);
        throw new NotSupportedException(message);
    }
}
