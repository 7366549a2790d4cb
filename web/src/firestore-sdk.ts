// Only what live.ts uses: a re-export of the whole SDK would keep all of it.
export {
  collection,
  connectFirestoreEmulator,
  doc,
  getFirestore,
  onSnapshot,
  query,
  where,
} from "firebase/firestore";
